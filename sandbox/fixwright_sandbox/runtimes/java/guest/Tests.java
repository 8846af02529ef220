package fixwright;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.opentest4j.AssertionFailedError;

/**
 * Runs JUnit 5 and 4 tests and reports each when it ends.
 *
 * <p>Arguments: the pipe for reports, and a file with a line for each class: its name, and after a
 * space its method where only that one is wanted.
 */
final class Tests implements TestExecutionListener {
    private static final Pattern INVOCATION = Pattern.compile("invocation:#(\\d+)\\]$");

    private final Reports reports;
    private final Map<String, Long> started = new ConcurrentHashMap<>();
    private boolean failed;

    private Tests(Reports reports) {
        this.reports = reports;
    }

    public static void main(String[] arguments) throws Exception {
        Tests tests = new Tests(new Reports(arguments[0]));
        List<DiscoverySelector> selectors = new ArrayList<>();
        Set<String> methods = ConcurrentHashMap.newKeySet();
        Set<String> whole = ConcurrentHashMap.newKeySet();
        for (String line : Files.readAllLines(Path.of(arguments[1]))) {
            int space = line.indexOf(' ');
            String name = space < 0 ? line : line.substring(0, space);
            selectors.add(DiscoverySelectors.selectClass(name));
            (space < 0 ? whole : methods).add(space < 0 ? name : line.replace(' ', '#'));
        }
        PostDiscoveryFilter wanted = descriptor -> {
            Optional<TestSource> source = descriptor.getSource();
            if (source.isEmpty() || !(source.get() instanceof MethodSource)) {
                return FilterResult.included(null);
            }
            MethodSource method = (MethodSource) source.get();
            String type = method.getClassName();
            boolean taken = methods.contains(type + "#" + method.getMethodName());
            for (String outer = type; !taken && outer != null; outer = outerOf(outer)) {
                taken = whole.contains(outer);
            }
            return FilterResult.includedIf(taken);
        };
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectors).filters(wanted).build();
        LauncherFactory.create().execute(request, tests);
        System.out.flush();
        System.exit(tests.failed ? 1 : 0);
    }

    private static String outerOf(String name) {
        int dollar = name.lastIndexOf('$');
        return dollar < 0 ? null : name.substring(0, dollar);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), System.nanoTime());
        if (test.isTest()) {
            reports.send(about("started", test).close('}'));
        }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        if (test.getSource().isPresent()) {
            tell(test, "skipped", null, reason);
        }
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Throwable error = result.getThrowable().orElse(null);
        switch (result.getStatus()) {
            case SUCCESSFUL:
                if (test.isTest()) {
                    tell(test, "passed", null, null);
                }
                break;
            case ABORTED:
                tell(test, "skipped", null, error == null ? null : error.getMessage());
                break;
            default:
                failed = true;
                tell(test, test.isTest() ? "failed" : "error", error, null);
        }
    }

    private Json about(String type, TestIdentifier test) {
        Json json = new Json().open('{').field("type", type).field("display", test.getDisplayName());
        TestSource source = test.getSource().orElse(null);
        if (source instanceof MethodSource) {
            json.field("class", ((MethodSource) source).getClassName());
            json.field("method", ((MethodSource) source).getMethodName());
        } else if (source instanceof ClassSource) {
            json.field("class", ((ClassSource) source).getClassName());
        }
        Matcher invocation = INVOCATION.matcher(test.getUniqueId());
        return invocation.find() ? json.field("invocation", invocation.group(1)) : json;
    }

    private void tell(TestIdentifier test, String outcome, Throwable error, String reason) {
        Json json = about("test", test).field("outcome", outcome).field("reason", reason);
        Long since = started.get(test.getUniqueId());
        json.field("nanoseconds", since == null ? 0 : System.nanoTime() - since);
        if (error != null) {
            json.key("exception").open('{');
            Reports.describe(json, error);
            if (error instanceof AssertionFailedError) {
                facts(json, (AssertionFailedError) error);
            }
            json.close('}');
        }
        reports.send(json.close('}'));
    }

    private static void facts(Json json, AssertionFailedError error) {
        if (error.isExpectedDefined() && error.isActualDefined()) {
            json.field("expected", String.valueOf(error.getExpected().getStringRepresentation()));
            json.field("actual", String.valueOf(error.getActual().getStringRepresentation()));
        }
    }
}
