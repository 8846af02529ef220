package fixwright;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Writes what is reported of a program into the pipe that the driver reads. */
final class Reports {
    private static final int OUTERMOST = 40;
    private static final int INNERMOST = 60;
    private static final int DEEPEST = 8;
    private static final int MOST_SUPPRESSED = 16;

    private final FileOutputStream pipe;

    Reports(String path) throws IOException {
        pipe = new FileOutputStream(path, true);
    }

    synchronized void send(Json json) {
        try {
            pipe.write((json + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException lost) {
            return; // The program closed it, or the driver is gone: its loss.
        }
    }

    /** Reports an exception that nobody caught; whatever goes wrong costs detail only. */
    void uncaught(Throwable error, String thread) {
        try {
            Json json = new Json().open('{').field("type", "exception");
            if (thread != null) {
                json.field("thread", thread);
            }
            describe(json, error);
            send(json.close('}'));
        } catch (OutOfMemoryError | StackOverflowError again) {
            send(new Json().open('{').field("type", "exception")
                    .field("kind", error.getClass().getName())
                    .field("message", null).key("frames").open('[').close(']').close('}'));
        }
    }

    /** Adds the fields of an exception with its causes and what it suppressed. */
    static void describe(Json json, Throwable error) {
        describe(json, error, Collections.newSetFromMap(new IdentityHashMap<>()), DEEPEST);
    }

    private static void describe(Json json, Throwable error, Set<Throwable> seen, int depth) {
        seen.add(error);
        json.field("kind", error.getClass().getName()).field("message", message(error));
        StackTraceElement[] trace = error.getStackTrace();
        frames(json, trace);
        if (trace.length > OUTERMOST + INNERMOST) {
            json.field("framesLeftOut", trace.length - OUTERMOST - INNERMOST);
        }
        Throwable cause = error.getCause();
        if (cause != null && depth > 0 && !seen.contains(cause)) {
            json.key("cause").open('{');
            describe(json, cause, seen, depth - 1);
            json.close('}');
        }
        json.key("suppressed").open('[');
        int count = 0;
        for (Throwable other : error.getSuppressed()) {
            if (depth > 0 && count++ < MOST_SUPPRESSED && !seen.contains(other)) {
                json.open('{');
                describe(json, other, seen, depth - 1);
                json.close('}');
            }
        }
        json.close(']');
    }

    static void frames(Json json, StackTraceElement[] trace) {
        json.key("frames").open('[');
        for (int i = 0; i < trace.length; i++) {
            if (i < INNERMOST || i >= trace.length - OUTERMOST) {
                json.open('{').field("class", trace[i].getClassName())
                        .field("method", trace[i].getMethodName())
                        .field("file", trace[i].getFileName())
                        .field("module", trace[i].getModuleName())
                        .field("line", trace[i].getLineNumber()).close('}');
            }
        }
        json.close(']');
    }

    private static String message(Throwable error) {
        try {
            String message = error.getLocalizedMessage();
            return message == null || message.length() < 16000
                    ? message : message.substring(0, 16000);
        } catch (RuntimeException | StackOverflowError own) {
            return null; // An exception whose getMessage fails.
        }
    }
}
