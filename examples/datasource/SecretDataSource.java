import com.aliyuncs.exceptions.ClientException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import org.postgresql.ds.PGSimpleDataSource;

/** Logs in with what the secret says. When the database refuses the password, the secret is read again: it was rotated. */
class SecretDataSource extends PGSimpleDataSource {
    private static final String WRONG_PASSWORD = "28P01";
    private final transient Secrets secrets;
    private volatile transient Secrets.Login login;
    final transient AtomicInteger logins = new AtomicInteger();
    final transient AtomicInteger refused = new AtomicInteger();

    SecretDataSource(String url, Secrets secrets) {
        setUrl(url);
        this.secrets = secrets;
    }

    @Override
    public Connection getConnection() throws SQLException {
        for (int attempt = 1; ; attempt++) {
            try {
                Secrets.Login held = login;
                if (held == null) login = held = secrets.read();
                Connection connection = getConnection(held.name(), held.password());
                logins.incrementAndGet();
                return connection;
            } catch (ClientException error) {
                throw new SQLException("the secret cannot be read", error);
            } catch (SQLException error) {
                if (!WRONG_PASSWORD.equals(error.getSQLState()) || attempt == 20) throw error;
                refused.incrementAndGet();
                login = null;
                pause();
            }
        }
    }

    /** Between the change in the database and that of the label, the current version does not open it. */
    private static void pause() throws SQLException {
        try {
            Thread.sleep(50);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new SQLException(error);
        }
    }
}
