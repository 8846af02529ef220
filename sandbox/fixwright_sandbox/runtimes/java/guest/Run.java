package fixwright;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Runs a program's main as `java` would, and reports the exceptions that nobody caught and the
 * place of a System.exit.
 *
 * <p>Arguments: the pipe for reports, the class, the program's own arguments.
 */
final class Run {
    private Run() {}

    public static void main(String[] arguments) throws Throwable {
        Reports reports = new Reports(arguments[0]);
        Throwable[] told = {null};
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            if (error != told[0]) {
                reports.uncaught(error, thread.getName());
            }
            System.err.print("Exception in thread \"" + thread.getName() + "\" ");
            error.printStackTrace();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> exits(reports)));
        Class<?> type = Class.forName(arguments[1], false, ClassLoader.getSystemClassLoader());
        Object own = Arrays.copyOfRange(arguments, 2, arguments.length);
        try {
            call(type, own);
        } catch (InvocationTargetException thrown) {
            told[0] = thrown.getCause();
            trim(told[0]);
            reports.uncaught(told[0], null);
            throw told[0];
        } catch (ExceptionInInitializerError thrown) {
            told[0] = thrown;
            trim(thrown);
            reports.uncaught(thrown, null);
            throw thrown;
        }
    }

    /** Calls the class's main: the one with arguments first, an instance's on a new instance. */
    private static void call(Class<?> type, Object arguments) throws ReflectiveOperationException {
        Method main;
        try {
            main = type.getDeclaredMethod("main", String[].class);
        } catch (NoSuchMethodException other) {
            main = type.getDeclaredMethod("main");
        }
        main.setAccessible(true);
        Object self = null;
        if (!Modifier.isStatic(main.getModifiers())) {
            Constructor<?> maker = type.getDeclaredConstructor();
            maker.setAccessible(true);
            self = maker.newInstance();
        }
        if (main.getParameterCount() == 0) {
            main.invoke(self);
        } else {
            main.invoke(self, arguments);
        }
    }

    /** Tells where the thread stands that ends the program. */
    private static void exits(Reports reports) {
        for (Map.Entry<Thread, StackTraceElement[]> one : Thread.getAllStackTraces().entrySet()) {
            StackTraceElement[] trace = one.getValue();
            for (int i = 0; i < trace.length; i++) {
                String method = trace[i].getMethodName();
                boolean ends = method.equals("exit") && trace[i].getClassName()
                        .matches("java\\.lang\\.(System|Runtime)");
                boolean outermost = i + 1 < trace.length
                        && !trace[i + 1].getClassName().startsWith("java.lang.");
                if (ends && outermost) {
                    Json json = new Json().open('{').field("type", "exit");
                    json.field("called", trace[i].getClassName());
                    Reports.frames(json, ours(Arrays.copyOfRange(trace, i, trace.length)));
                    reports.send(json.close('}'));
                    return;
                }
            }
        }
    }

    private static void trim(Throwable error) {
        for (int depth = 0; error != null && depth < 16; depth++) {
            error.setStackTrace(ours(error.getStackTrace()));
            error = error.getCause();
        }
    }

    /** Leaves out what is around the program: this class and the reflection it uses. */
    private static StackTraceElement[] ours(StackTraceElement[] trace) {
        List<StackTraceElement> kept = new ArrayList<>(Arrays.asList(trace));
        int last = kept.size() - 1;
        if (last < 0 || !kept.get(last).getClassName().equals(Run.class.getName())) {
            return trace;
        }
        while (last >= 0 && kept.get(last).getClassName()
                .matches("fixwright\\.Run|java\\.lang\\.reflect\\..*|jdk\\.internal\\.reflect\\..*")) {
            kept.remove(last--);
        }
        return kept.toArray(new StackTraceElement[0]);
    }
}
