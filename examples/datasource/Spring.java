import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The same with Spring: a DataSource bean, JdbcTemplate and transactions. */
public class Spring {
    @Configuration
    public static class Application {
        @Bean
        Secrets secrets() throws Exception {
            return Rotation.prepare("examples/spring", "spring_app");
        }

        @Bean
        SecretDataSource source(Secrets secrets) {
            return new SecretDataSource(Rotation.DATABASE, secrets);
        }

        @Bean(destroyMethod = "close")
        HikariDataSource dataSource(SecretDataSource source) {
            HikariDataSource pool = new HikariDataSource();
            pool.setDataSource(source);
            pool.setMaximumPoolSize(5);
            return pool;
        }

        @Bean
        PlatformTransactionManager transactions(HikariDataSource dataSource) {
            return new DataSourceTransactionManager(dataSource);
        }

        @Bean
        JdbcTemplate jdbc(HikariDataSource dataSource) {
            return new JdbcTemplate(dataSource);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext(Application.class)) {
            JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
            TransactionTemplate transaction = new TransactionTemplate(context.getBean(PlatformTransactionManager.class));
            HikariDataSource pool = context.getBean(HikariDataSource.class);
            try (Connection open = pool.getConnection()) {
                Rotation.run(context.getBean(Secrets.class), "spring_app", context.getBean(SecretDataSource.class), open,
                    () -> transaction.execute(status -> jdbc.queryForObject("select current_user", String.class)),
                    () -> pool.getHikariPoolMXBean().softEvictConnections());
            }
        }
    }
}
