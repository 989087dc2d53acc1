import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;

/** A JDBC pool whose password is rotated while connections are open. */
class Jdbc {
    public static void main(String[] arguments) throws Exception {
        Secrets secrets = Rotation.prepare("examples/jdbc", "jdbc_app");
        SecretDataSource source = new SecretDataSource(Rotation.DATABASE, secrets);
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setDataSource(source);
            pool.setMaximumPoolSize(5);
            try (Connection open = pool.getConnection()) {
                Rotation.run(secrets, "jdbc_app", source, open, () -> {
                    try (Connection connection = pool.getConnection(); Statement sql = connection.createStatement();
                            ResultSet rows = sql.executeQuery("select current_user")) {
                        rows.next();
                        return rows.getString(1);
                    }
                }, () -> pool.getHikariPoolMXBean().softEvictConnections());
            }
        }
    }
}
