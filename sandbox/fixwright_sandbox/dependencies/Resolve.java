import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.maven.RepositoryUtils;
import org.apache.maven.execution.DefaultMavenExecutionRequest;
import org.apache.maven.execution.MavenExecutionRequest;
import org.apache.maven.execution.MavenExecutionRequestPopulator;
import org.apache.maven.internal.aether.DefaultRepositorySystemSessionFactory;
import org.apache.maven.model.Model;
import org.apache.maven.model.io.xpp3.MavenXpp3Reader;
import org.apache.maven.settings.building.DefaultSettingsBuildingRequest;
import org.apache.maven.settings.building.SettingsBuilder;
import org.codehaus.plexus.DefaultContainerConfiguration;
import org.codehaus.plexus.DefaultPlexusContainer;
import org.codehaus.plexus.PlexusConstants;
import org.codehaus.plexus.classworlds.ClassWorld;
import org.eclipse.aether.DefaultRepositorySystemSession;
import org.eclipse.aether.RepositorySystem;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.collection.CollectRequest;
import org.eclipse.aether.graph.Dependency;
import org.eclipse.aether.repository.RemoteRepository;
import org.eclipse.aether.repository.RepositoryPolicy;
import org.eclipse.aether.repository.WorkspaceReader;
import org.eclipse.aether.repository.WorkspaceRepository;
import org.eclipse.aether.resolution.ArtifactDescriptorRequest;
import org.eclipse.aether.resolution.ArtifactDescriptorResult;
import org.eclipse.aether.resolution.ArtifactRequest;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.eclipse.aether.resolution.ArtifactResult;
import org.eclipse.aether.resolution.DependencyRequest;
import org.eclipse.aether.transfer.AbstractTransferListener;
import org.eclipse.aether.transfer.TransferEvent;
import org.eclipse.aether.util.repository.SimpleArtifactDescriptorPolicy;

/**
 * Puts what POMs depend on into a local repository: resolved by Maven's own components, with the
 * user's settings, and without a plugin, an extension or any other code of theirs.
 *
 * <p>Repositories are those of the settings (and Central); those that a POM names are not asked. What
 * comes without a checksum, or with a wrong one, is refused.
 *
 * <p>Arguments: the settings ("" for none), Maven's own settings, the folder for the repository, the
 * file for class paths, the file for the report, and then for each module the path that it is known by
 * and that of its POM.
 */
final class Resolve {
    private static final String LAUNCHER = "org.junit.platform:junit-platform-launcher";

    private final RepositorySystem system;
    private final DefaultRepositorySystemSession session;
    private final List<RemoteRepository> repositories;
    private final File repository;
    private final Tree tree;

    /** Resolve, tell, and end with status 1 where it can't be. */
    public static void main(String[] arguments) throws Exception {
        Map<String, Path> modules = new LinkedHashMap<>();
        for (int index = 5; index < arguments.length; index += 2) {
            modules.put(arguments[index], Path.of(arguments[index + 1]));
        }
        File repository = new File(arguments[2]);
        try {
            Resolve resolve = new Resolve(arguments[0], arguments[1], repository, new Tree(modules));
            Map<String, String> releases = new TreeMap<>();
            List<String> told = new ArrayList<>();
            for (Map.Entry<String, Path> module : modules.entrySet()) {
                boolean locked = !module.getKey().equals(module.getValue().toString());
                List<ArtifactResult> found = resolve.module(module.getValue(), locked);
                told.add(resolve.listed(module.getKey(), module.getValue(), found));
                for (ArtifactResult each : found) {
                    Artifact artifact = each.getArtifact();
                    String name = artifact.getGroupId() + ":" + artifact.getArtifactId();
                    releases.put(name + "\0" + artifact.getVersion(), "{\"Path\": " + quoted(name)
                            + ", \"Version\": " + quoted(artifact.getVersion()) + "}");
                }
            }
            Files.writeString(Path.of(arguments[3]), "{" + String.join(",\n", told) + "}\n");
            Files.writeString(Path.of(arguments[4]), String.join("\n", releases.values()) + "\n");
        } catch (Exception error) {
            System.err.println("ERROR: " + innermost(error).getMessage().lines().findFirst().orElse("")
                    + " (" + error.getClass().getSimpleName() + ")");
            System.exit(1);
        }
    }

    @SuppressWarnings("deprecation") // of 3.9; older ones have nothing else
    private Resolve(String user, String global, File repository, Tree tree) throws Exception {
        ClassWorld world = new ClassWorld("plexus.core", Resolve.class.getClassLoader());
        DefaultPlexusContainer container = new DefaultPlexusContainer(new DefaultContainerConfiguration()
                .setClassWorld(world)
                .setClassPathScanning(PlexusConstants.SCANNING_INDEX)
                .setAutoWiring(true)
                .setJSR250Lifecycle(true));
        container.getLoggerManager().setThresholds(org.codehaus.plexus.logging.Logger.LEVEL_ERROR);
        Properties properties = new Properties();
        properties.putAll(System.getProperties());
        System.getenv().forEach((name, value) -> properties.put("env." + name, value));
        MavenExecutionRequest request = new DefaultMavenExecutionRequest();
        request.setSystemProperties(properties);
        request.setLocalRepositoryPath(repository);
        request.setInteractiveMode(false);
        DefaultSettingsBuildingRequest asked = new DefaultSettingsBuildingRequest();
        asked.setSystemProperties(properties);
        asked.setGlobalSettingsFile(new File(global));
        if (!user.isEmpty()) {
            asked.setUserSettingsFile(new File(user));
        }
        MavenExecutionRequestPopulator populator = container.lookup(MavenExecutionRequestPopulator.class);
        populator.populateFromSettings(
                request, container.lookup(SettingsBuilder.class).build(asked).getEffectiveSettings());
        request.setLocalRepositoryPath(repository); // the settings may name one of the machine's
        request.setOffline(false);
        populator.populateDefaults(request);
        this.system = container.lookup(RepositorySystem.class);
        this.session =
                container.lookup(DefaultRepositorySystemSessionFactory.class).newRepositorySession(request);
        this.session.setIgnoreArtifactDescriptorRepositories(true);
        this.session.setChecksumPolicy(RepositoryPolicy.CHECKSUM_POLICY_FAIL);
        this.session.setWorkspaceReader(tree);
        this.session.setTransferListener(new Teller());
        this.repositories = system.newResolutionRepositories(
                session, RepositoryUtils.toRepos(request.getRemoteRepositories()));
        this.repository = repository;
        this.tree = tree;
    }

    /** What one module needs, of all scopes, in the order of its class path; what is in the tree is not. */
    private List<ArtifactResult> module(Path pom, boolean locked) throws Exception {
        Model model = read(pom);
        Artifact own = new DefaultArtifact(group(model), model.getArtifactId(), "pom", version(model));
        DefaultRepositorySystemSession strict = new DefaultRepositorySystemSession(session);
        strict.setArtifactDescriptorPolicy(new SimpleArtifactDescriptorPolicy(false, false));
        ArtifactDescriptorResult descriptor = system.readArtifactDescriptor(
                strict, new ArtifactDescriptorRequest(own, repositories, null));
        CollectRequest collect = new CollectRequest();
        collect.setRootArtifact(own);
        for (Dependency each : descriptor.getDependencies()) {
            if (!each.getScope().equals("system") && !(locked && isPlatform(each.getArtifact()))) {
                collect.addDependency(each);
            }
        }
        collect.setManagedDependencies(descriptor.getManagedDependencies());
        collect.setRepositories(repositories);
        List<ArtifactResult> found = new ArrayList<>();
        for (ArtifactResult each :
                system.resolveDependencies(session, new DependencyRequest(collect, null)).getArtifactResults()) {
            if (tree.findArtifact(each.getArtifact()) == null) {
                found.add(each);
            }
        }
        found.addAll(launcher(found));
        return found;
    }

    /** Whether it has no jar but versions of others; Gradle's lock files name such, too. */
    private boolean isPlatform(Artifact artifact) throws Exception {
        Artifact pom = new DefaultArtifact(
                artifact.getGroupId(), artifact.getArtifactId(), "pom", artifact.getVersion());
        ArtifactResult found = system.resolveArtifact(session, new ArtifactRequest(pom, repositories, null));
        return read(found.getArtifact().getFile().toPath()).getPackaging().equals("pom");
    }

    /** What starts the JUnit that a module names. Its build tool would bring that, so no POM does. */
    private List<ArtifactResult> launcher(List<ArtifactResult> found) {
        for (ArtifactResult each : found) {
            Artifact artifact = each.getArtifact();
            if (artifact.getGroupId().equals("org.junit.platform")
                    && artifact.getArtifactId().equals("junit-platform-commons")) {
                String version = artifact.getVersion();
                List<String> wanted = new ArrayList<>(List.of(LAUNCHER + ":" + version));
                for (ArtifactResult other : found) {
                    Artifact named = other.getArtifact();
                    if (named.getArtifactId().equals("junit-jupiter-api")) {
                        wanted.add("org.junit.jupiter:junit-jupiter-engine:" + named.getVersion());
                    }
                }
                return together(wanted, found);
            }
        }
        return List.of();
    }

    private List<ArtifactResult> together(List<String> wanted, List<ArtifactResult> found) {
        CollectRequest collect = new CollectRequest();
        for (String each : wanted) {
            collect.addDependency(new Dependency(new DefaultArtifact(each), "test"));
        }
        collect.setRepositories(repositories);
        List<ArtifactResult> more = new ArrayList<>();
        try {
            more.addAll(system.resolveDependencies(session, new DependencyRequest(collect, null))
                    .getArtifactResults());
        } catch (Exception error) {
            System.err.println("The project's own JUnit has no launcher, so its tests run with the sandbox's: "
                    + innermost(error).getMessage());
        }
        more.removeIf(each -> found.stream().anyMatch(other -> same(each.getArtifact(), other.getArtifact())));
        return more;
    }

    private static boolean same(Artifact one, Artifact other) {
        return one.getGroupId().equals(other.getGroupId())
                && one.getArtifactId().equals(other.getArtifactId())
                && one.getClassifier().equals(other.getClassifier());
    }

    /** The line of the class paths: what it was made of, and where each jar lies in the repository. */
    private String listed(String name, Path pom, List<ArtifactResult> found) throws Exception {
        List<String> sources = new ArrayList<>(List.of(digest(Path.of(name))));
        for (Path above = tree.parent(pom); above != null; above = tree.parent(above)) {
            sources.add(digest(above));
        }
        List<String> jars = new ArrayList<>();
        for (ArtifactResult each : found) {
            File file = each.getArtifact().getFile();
            if (file.getName().endsWith(".jar")) {
                jars.add(quoted(repository.toPath().relativize(file.toPath()).toString()));
            }
        }
        return quoted(name) + ": {\"of\": {" + String.join(", ", sources) + "}, \"jars\": ["
                + String.join(", ", jars) + "]}";
    }

    private static String digest(Path path) throws Exception {
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path));
        return quoted(path.normalize().toString()) + ": " + quoted(HexFormat.of().formatHex(sum));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static Throwable innermost(Throwable error) {
        Throwable told = error;
        while (told.getCause() != null && told.getCause().getMessage() != null) {
            if (told instanceof ArtifactResolutionException) {
                break; // which says what is missing, and where it was looked for
            }
            told = told.getCause();
        }
        return told;
    }

    private static Model read(Path pom) throws IOException {
        try (var stream = Files.newInputStream(pom)) {
            return new MavenXpp3Reader().read(stream, false);
        } catch (org.codehaus.plexus.util.xml.pull.XmlPullParserException error) {
            throw new IOException(pom + ": " + error.getMessage(), error);
        }
    }

    private static String group(Model model) {
        return model.getGroupId() != null ? model.getGroupId() : model.getParent().getGroupId();
    }

    private static String version(Model model) {
        return model.getVersion() != null ? model.getVersion() : model.getParent().getVersion();
    }

    /** The modules of the tree, for each other: their POMs, and their POMs instead of their jars. */
    private static final class Tree implements WorkspaceReader {
        private final WorkspaceRepository identity = new WorkspaceRepository("tree");
        private final Map<String, Path> poms = new LinkedHashMap<>();

        Tree(Map<String, Path> modules) throws IOException {
            for (Path pom : modules.values()) {
                Model model = read(pom);
                poms.put(group(model) + ":" + model.getArtifactId(), pom);
            }
        }

        /** The POM in the tree that is the parent of one. */
        Path parent(Path pom) throws IOException {
            Model model = read(pom);
            return model.getParent() == null
                    ? null
                    : poms.get(model.getParent().getGroupId() + ":" + model.getParent().getArtifactId());
        }

        @Override
        public WorkspaceRepository getRepository() {
            return identity;
        }

        @Override
        public File findArtifact(Artifact artifact) {
            Path pom = poms.get(artifact.getGroupId() + ":" + artifact.getArtifactId());
            try {
                String version = pom == null ? "" : version(read(pom));
                boolean meant = version.contains("${") || version.equals(artifact.getVersion());
                return pom != null && meant ? pom.toAbsolutePath().toFile() : null;
            } catch (IOException error) {
                return null; // the constructor has read it, so it went meanwhile
            }
        }

        @Override
        public List<String> findVersions(Artifact artifact) {
            Path pom = poms.get(artifact.getGroupId() + ":" + artifact.getArtifactId());
            try {
                return pom == null ? List.of() : List.of(version(read(pom)));
            } catch (IOException error) {
                return List.of();
            }
        }
    }

    /** Tells what came. */
    private static final class Teller extends AbstractTransferListener {
        @Override
        public void transferSucceeded(TransferEvent event) {
            String name = event.getResource().getResourceName();
            if (name.endsWith(".jar")) {
                System.out.println("Fetched " + name + " (" + event.getTransferredBytes() + " bytes)");
            }
        }
    }
}
