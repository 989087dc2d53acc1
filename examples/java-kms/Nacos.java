// Nacos configurations that its MSE extension encrypts with KMS: only the filter, without a Nacos server.
// Needs SESAME_HTTPS (host and port), and a proxy that sends kms.cn-hangzhou.aliyuncs.com to Sesame (examples/cloud-names) by -Dhttps.proxyHost and -Dhttps.proxyPort,
// and -Djavax.net.ssl.trustStore with its CA.

import com.alibaba.nacos.api.config.filter.IConfigFilterChain;
import com.alibaba.nacos.client.aliyun.AliyunConfigFilter;
import com.alibaba.nacos.client.config.filter.impl.ConfigRequest;
import com.alibaba.nacos.client.config.filter.impl.ConfigResponse;
import java.util.Properties;

public class Nacos {
    static final String CONTENT = "password=\"first\"\nname=\u5bc6\u7801\n";
    static final IConfigFilterChain END = (request, response) -> { };

    static void there_and_back(AliyunConfigFilter filter, String dataId) throws Exception {
        ConfigRequest request = new ConfigRequest();
        request.setDataId(dataId);
        request.setGroup("DEFAULT_GROUP");
        request.setTenant("");
        request.setContent(CONTENT);
        filter.doFilter(request, null, END);
        String stored = request.getContent();
        if (stored.contains("password")) throw new AssertionError(dataId + " is not encrypted");

        ConfigResponse response = new ConfigResponse();
        response.setDataId(dataId);
        response.setGroup("DEFAULT_GROUP");
        response.setTenant("");
        response.setContent(stored);
        response.setEncryptedDataKey(request.getEncryptedDataKey());
        filter.doFilter(null, response, END);
        if (!response.getContent().equals(CONTENT)) throw new AssertionError(dataId + ": " + response.getContent());
        System.out.println(dataId + ": there and back");
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.setProperty("regionId", "cn-hangzhou");
        settings.setProperty("kmsAccessKey", "test");
        settings.setProperty("kmsSecretKey", "test");
        // Its cache would hide whether Decrypt works.
        settings.setProperty("nacos.config.encryption.kms.local.cache.switch", "false");
        AliyunConfigFilter filter = new AliyunConfigFilter();
        filter.init(settings);
        there_and_back(filter, "cipher-kms-aes-128-app.properties");
        there_and_back(filter, "cipher-kms-aes-256-app.properties");
        there_and_back(filter, "cipher-app.properties");
        filter.close();

        // With a custom endpoint it requires a custom key, and accepts any certificate.
        settings.setProperty("kmsEndpoint", System.getenv("SESAME_HTTPS"));
        settings.setProperty("keyId", "alias/nacos");
        AliyunConfigFilter own = new AliyunConfigFilter();
        own.init(settings);
        there_and_back(own, "cipher-kms-aes-256-own.properties");
        there_and_back(own, "cipher-own.properties");
        System.exit(0); // its threads would keep the program running
    }
}
