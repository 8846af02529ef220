package fixwright;

import com.sun.source.tree.ArrayAccessTree;
import com.sun.source.tree.AssertTree;
import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.CompoundAssignmentTree;
import com.sun.source.tree.EnhancedForLoopTree;
import com.sun.source.tree.ExpressionStatementTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.NewArrayTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.ParameterizedTypeTree;
import com.sun.source.tree.ReturnTree;
import com.sun.source.tree.SwitchTree;
import com.sun.source.tree.SynchronizedTree;
import com.sun.source.tree.ThrowTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.TypeCastTree;
import com.sun.source.tree.UnaryTree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.lang.model.element.Modifier;
import javax.tools.Diagnostic;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Compiles, and tells in JSON, a line each: every diagnostic with its code and range, and of every
 * source file its classes, its methods, and where its expressions stand. The last is what gives an
 * exception, which knows a line only, its range.
 *
 * <p>Arguments: a file with one argument a line: javac's options, then "--", then sources.
 */
final class Compile {
    private static final int MOST_DIAGNOSTICS = 100;

    /** The version from which on a main may be an instance's, and have no parameter. */
    private static final int SIMPLE_MAIN = 25;

    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private final Map<String, Text> texts = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        System.exit(new Compile().run(Files.readAllLines(Path.of(arguments[0]))));
    }

    private int run(List<String> lines) throws IOException {
        int split = lines.indexOf("--");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        int[] errors = {0};
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(null, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            Iterable<? extends JavaFileObject> sources =
                    files.getJavaFileObjectsFromStrings(lines.subList(split + 1, lines.size()));
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, found -> errors[0] += diagnose(found, errors[0]),
                    lines.subList(0, split), null, sources);
            Map<String, CompilationUnitTree> units = new LinkedHashMap<>();
            task.addTaskListener(new TaskListener() {
                @Override
                public void finished(TaskEvent event) {
                    if (event.getKind() == TaskEvent.Kind.PARSE) {
                        units.put(event.getSourceFile().getName(), event.getCompilationUnit());
                    }
                }
            });
            task.analyze();
            if (errors[0] == 0) {
                SourcePositions positions = Trees.instance(task).getSourcePositions();
                for (Map.Entry<String, CompilationUnitTree> unit : units.entrySet()) {
                    new Unit(unit.getKey(), unit.getValue(), positions).tell();
                }
                task.generate();
            }
        }
        out.flush();
        return errors[0] == 0 ? 0 : 1;
    }

    private int diagnose(Diagnostic<? extends JavaFileObject> found, int before) {
        boolean error = found.getKind() == Diagnostic.Kind.ERROR;
        JavaFileObject source = found.getSource();
        if (before < MOST_DIAGNOSTICS) {
            Json json = new Json().open('{').field("type", "diagnostic")
                    .field("severity", error ? "error" : found.getKind().name())
                    .field("kind", found.getCode())
                    .field("message", found.getMessage(Locale.ENGLISH));
            if (source != null && found.getPosition() != Diagnostic.NOPOS) {
                json.field("path", source.getName());
                text(source.getName()).range(json, found);
            }
            out.println(json.close('}'));
        }
        return error ? 1 : 0;
    }

    private Text text(String name) {
        return texts.computeIfAbsent(name, Text::new);
    }

    /** A source file's text, and its offsets as lines and columns in code points. */
    private static final class Text {
        private final String content;
        private final List<Integer> starts = new ArrayList<>();

        Text(String name) {
            String read;
            try {
                read = new String(Files.readAllBytes(Path.of(name)), StandardCharsets.UTF_8);
            } catch (IOException error) {
                read = "";
            }
            content = read;
            starts.add(0);
            for (int i = 0; i < content.length(); i++) {
                char c = content.charAt(i);
                boolean carriage = c == '\r' && !content.startsWith("\n", i + 1);
                if (c == '\n' || carriage) {
                    starts.add(i + 1);
                }
            }
        }

        /**
         * Adds the fields line, column, endLine, endColumn. A range of several lines, or an empty
         * one, becomes the token that javac points at; a missing member's, its name.
         */
        void range(Json json, Diagnostic<?> found) {
            int start = clamp(found.getStartPosition());
            int end = clamp(found.getEndPosition());
            int point = clamp(found.getPosition());
            boolean missing = found.getCode().startsWith("compiler.err.cant.resolve");
            if (missing && point < content.length() && content.charAt(point) == '.') {
                do {
                    point++;
                } while (point < end && space(point));
                start = point;
                end = start;
            } else if (end > start && line(start) != line(end - 1)) {
                start = point;
                end = start;
            }
            if (end <= start) {
                while (start > 0 && (start >= content.length() || space(start))) {
                    start--;
                }
                end = Math.min(start + 1, content.length());
                if (start < content.length() && word(start)) {
                    while (end < content.length() && word(end)) {
                        end++;
                    }
                    while (start > 0 && word(start - 1)) {
                        start--;
                    }
                }
            }
            int line = line(start);
            int endLine = line(Math.max(start, end - 1));
            json.field("line", line).field("column", column(line, start));
            json.field("endLine", endLine).field("endColumn", column(endLine, end));
        }

        int line(int offset) {
            int low = 0;
            int high = starts.size() - 1;
            while (low < high) {
                int middle = (low + high + 1) / 2;
                if (starts.get(middle) <= offset) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            return low;
        }

        int column(int line, int offset) {
            return content.codePointCount(starts.get(line), Math.max(starts.get(line), offset));
        }

        private boolean space(int at) {
            return Character.isWhitespace(content.charAt(at));
        }

        private boolean word(int at) {
            return Character.isJavaIdentifierPart(content.charAt(at));
        }

        private int clamp(long offset) {
            return (int) Math.max(0, Math.min(offset, content.length()));
        }
    }

    /** Tells what is in one source file. */
    private final class Unit extends TreeScanner<Void, Void> {
        private final String name;
        private final CompilationUnitTree tree;
        private final SourcePositions positions;
        private final Text text;
        private final Json json = new Json();
        private final Deque<String> classes = new ArrayDeque<>();
        private final List<String> mains = new ArrayList<>();
        private final String folder;

        Unit(String name, CompilationUnitTree tree, SourcePositions positions) {
            this.name = name;
            this.tree = tree;
            this.positions = positions;
            this.text = text(name);
            ExpressionTree declared = tree.getPackageName();
            this.folder = declared == null ? "" : declared.toString();
        }

        void tell() {
            json.open('{').field("type", "unit").field("path", name).field("package", folder);
            json.key("spans").open('[');
            scan(tree, null);
            json.close(']').key("mains").open('[');
            mains.forEach(json::value);
            out.println(json.close(']').close('}'));
        }

        private void span(String kind, String what, Tree node, long anchor) {
            long start = positions.getStartPosition(tree, node);
            long end = positions.getEndPosition(tree, node);
            if (start < 0 || end <= start) {
                return;
            }
            int line = text.line((int) start);
            int endLine = text.line((int) end - 1);
            json.open('[').value(kind).value(what).value(text.line((int) anchor));
            json.value(line).value(text.column(line, (int) start));
            json.value(endLine).value(text.column(endLine, (int) end));
            json.value(receiver(node)).close(']');
        }

        /** Returns what an expression is called on or read from, as written; "" for none. */
        private String receiver(Tree node) {
            Tree found = null;
            if (node instanceof MethodInvocationTree) {
                found = ((MethodInvocationTree) node).getMethodSelect();
            } else if (node instanceof ArrayAccessTree) {
                return ((ArrayAccessTree) node).getExpression().toString();
            } else if (node instanceof MemberSelectTree) {
                found = node;
            }
            return found instanceof MemberSelectTree
                    ? ((MemberSelectTree) found).getExpression().toString() : "";
        }

        private void span(String kind, String what, Tree node) {
            span(kind, what, node, Math.max(0, positions.getStartPosition(tree, node)));
        }

        private void statement(Tree node) {
            span("statement", "", node);
        }

        @Override
        public Void visitClass(ClassTree node, Void none) {
            String outer = classes.isEmpty()
                    ? (folder.isEmpty() ? "" : folder + ".") : classes.peek() + "$";
            classes.push(outer + node.getSimpleName());
            span("class", classes.peek(), node);
            super.visitClass(node, none);
            classes.pop();
            return null;
        }

        @Override
        public Void visitMethod(MethodTree node, Void none) {
            Set<Modifier> flags = node.getModifiers().getFlags();
            boolean classic = flags.contains(Modifier.STATIC) && flags.contains(Modifier.PUBLIC)
                    && node.getParameters().size() == 1;
            boolean simple = Runtime.version().feature() >= SIMPLE_MAIN
                    && !flags.contains(Modifier.PRIVATE) && node.getParameters().size() <= 1;
            if (node.getName().contentEquals("main") && (classic || simple)) {
                mains.add(classes.peek());
            }
            span("method", classes.peek() + "#" + node.getName(), node);
            return super.visitMethod(node, none);
        }

        @Override
        public Void visitMethodInvocation(MethodInvocationTree node, Void none) {
            ExpressionTree select = node.getMethodSelect();
            String called = select instanceof MemberSelectTree
                    ? ((MemberSelectTree) select).getIdentifier().toString()
                    : ((IdentifierTree) select).getName().toString();
            span("call", called, node, positions.getEndPosition(tree, select) - 1);
            return super.visitMethodInvocation(node, none);
        }

        @Override
        public Void visitNewClass(NewClassTree node, Void none) {
            Tree type = node.getIdentifier();
            if (type instanceof ParameterizedTypeTree) {
                type = ((ParameterizedTypeTree) type).getType();
            }
            String[] parts = type.toString().split("\\.");
            span("new", parts[parts.length - 1], node);
            return super.visitNewClass(node, none);
        }

        @Override
        public Void visitArrayAccess(ArrayAccessTree node, Void none) {
            span("index", node.getIndex().toString(), node);
            return super.visitArrayAccess(node, none);
        }

        @Override
        public Void visitBinary(BinaryTree node, Void none) {
            span("binary", node.getKind().name(), node);
            return super.visitBinary(node, none);
        }

        @Override
        public Void visitCompoundAssignment(CompoundAssignmentTree node, Void none) {
            span("binary", node.getKind().name().replace("_ASSIGNMENT", ""), node);
            return super.visitCompoundAssignment(node, none);
        }

        @Override
        public Void visitUnary(UnaryTree node, Void none) {
            span("unary", node.getKind().name(), node);
            return super.visitUnary(node, none);
        }

        @Override
        public Void visitTypeCast(TypeCastTree node, Void none) {
            span("cast", node.getType().toString(), node);
            return super.visitTypeCast(node, none);
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree node, Void none) {
            span("field", node.getIdentifier().toString(), node,
                    positions.getEndPosition(tree, node) - 1);
            return super.visitMemberSelect(node, none);
        }

        @Override
        public Void visitAssignment(AssignmentTree node, Void none) {
            span("assignment", node.getVariable().getKind().name(), node);
            return super.visitAssignment(node, none);
        }

        @Override
        public Void visitNewArray(NewArrayTree node, Void none) {
            span("array", "", node);
            return super.visitNewArray(node, none);
        }

        @Override
        public Void visitThrow(ThrowTree node, Void none) {
            span("throw", "", node);
            return super.visitThrow(node, none);
        }

        @Override
        public Void visitAssert(AssertTree node, Void none) {
            span("assert", "", node);
            return super.visitAssert(node, none);
        }

        @Override
        public Void visitEnhancedForLoop(EnhancedForLoopTree node, Void none) {
            span("iterated", "", node.getExpression());
            return super.visitEnhancedForLoop(node, none);
        }

        @Override
        public Void visitSwitch(SwitchTree node, Void none) {
            span("switched", "", node.getExpression());
            return super.visitSwitch(node, none);
        }

        @Override
        public Void visitSynchronized(SynchronizedTree node, Void none) {
            span("locked", "", node.getExpression());
            return super.visitSynchronized(node, none);
        }

        @Override
        public Void visitExpressionStatement(ExpressionStatementTree node, Void none) {
            statement(node);
            return super.visitExpressionStatement(node, none);
        }

        @Override
        public Void visitVariable(VariableTree node, Void none) {
            if (node.getInitializer() != null) {
                span("initializer", "", node.getInitializer());
                statement(node);
            }
            return super.visitVariable(node, none);
        }

        @Override
        public Void visitReturn(ReturnTree node, Void none) {
            if (node.getExpression() != null) {
                span("initializer", "", node.getExpression());
            }
            statement(node);
            return super.visitReturn(node, none);
        }
    }
}
