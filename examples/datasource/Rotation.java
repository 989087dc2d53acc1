import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Rotates the password five times while four threads query and one connection stays open all the time. */
class Rotation {
    static final String SESAME = System.getenv().getOrDefault("SESAME_URL", "http://127.0.0.1:7070");
    static final String DATABASE = System.getenv("DATABASE_URL");
    private static final String OWNER_PASSWORD = System.getenv("DATABASE_OWNER_PASSWORD");

    static Secrets prepare(String secret, String role) throws Exception {
        Secrets secrets = new Secrets(SESAME, secret);
        owner("create role " + role + " login password 'password-0'");
        secrets.create("v0", new Secrets.Login(role, "password-0"));
        return secrets;
    }

    private static void owner(String statement) throws SQLException {
        try (Connection owner = DriverManager.getConnection(DATABASE, "owner", OWNER_PASSWORD); Statement sql = owner.createStatement()) {
            sql.execute(statement);
        }
    }

    private static void rotate(Secrets secrets, String role, int number) throws Exception {
        String password = "password-" + number;
        secrets.stage("v" + number, new Secrets.Login(role, password));
        owner("alter role " + role + " password '" + password + "'");
        secrets.promote("v" + (number - 1), "v" + number);
    }

    static void run(Secrets secrets, String role, SecretDataSource source, Connection open, Callable<String> query, Runnable evict) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger queries = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Void>> running = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            running.add(threads.submit(() -> {
                while (!stop.get()) {
                    if (!role.equals(query.call())) throw new AssertionError("another user");
                    queries.incrementAndGet();
                }
                return null;
            }));
        }
        for (int number = 1; number <= 5; number++) {
            rotate(secrets, role, number);
            evict.run(); // as the end of a connection's life would, only sooner
            Thread.sleep(300);
        }
        stop.set(true);
        for (Future<Void> one : running) one.get(); // throws what a query threw
        threads.shutdown();
        try (Statement sql = open.createStatement()) {
            sql.execute("select 1");
        }
        try {
            DriverManager.getConnection(DATABASE, role, "password-0").close();
            throw new AssertionError("the first password still opens the database");
        } catch (SQLException expected) {
            if (!"28P01".equals(expected.getSQLState())) throw expected;
        }
        if (source.refused.get() == 0) throw new AssertionError("no login met the old password");
        System.out.printf("5 rotations, %d queries without a failure, %d logins, %d met the old password%n", queries.get(), source.logins.get(), source.refused.get());
    }
}
