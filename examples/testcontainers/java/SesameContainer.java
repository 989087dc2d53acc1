// Testcontainers for Java. Needs a container engine and the image that SESAME_IMAGE names (default sesame:latest).
// Run as one source file, with the dependencies of pom.xml on the class path.

import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.kms.model.v20160120.CreateSecretRequest;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

public class SesameContainer {
    public static void main(String[] arguments) throws Exception {
        String image = System.getenv().getOrDefault("SESAME_IMAGE", "sesame:latest");
        try (GenericContainer<?> sesame = new GenericContainer<>(image)) {
            sesame.withEnv("SESAME_LISTEN", "0.0.0.0:7070").withEnv("SESAME_IN_MEMORY", "true").withExposedPorts(7070)
                .waitingFor(Wait.forHttp("/_sesame/ready").forPort(7070)).start();
            DefaultProfile.addEndpoint("cn-hangzhou", "Kms", sesame.getHost() + ":" + sesame.getMappedPort(7070));
            DefaultAcsClient client = new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", "test", "test"));
            CreateSecretRequest create = new CreateSecretRequest();
            create.setSysProtocol(ProtocolType.HTTP);
            create.setSecretName("db");
            create.setVersionId("v1");
            create.setSecretData("first");
            client.getAcsResponse(create);
            GetSecretValueRequest get = new GetSecretValueRequest();
            get.setSysProtocol(ProtocolType.HTTP);
            get.setSecretName("db");
            System.out.println(client.getAcsResponse(get).getSecretData());
        }
    }
}
