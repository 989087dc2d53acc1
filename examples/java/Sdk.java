// The official Java SDK (classic core with the typed requests of KMS): create, read, put, read the previous version.
// Run as one source file, with the dependencies of pom.xml on the class path.

import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.kms.model.v20160120.CreateSecretRequest;
import com.aliyuncs.kms.model.v20160120.DeleteSecretRequest;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.PutSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;

public class Sdk {
    static final String URL = System.getenv().getOrDefault("SESAME_URL", "http://127.0.0.1:7070");
    static final String NAME = "examples/java-sdk";
    static DefaultAcsClient client;

    static String value(String stage) throws Exception {
        GetSecretValueRequest get = new GetSecretValueRequest();
        get.setSysProtocol(ProtocolType.HTTP);
        get.setSecretName(NAME);
        get.setVersionStage(stage);
        return client.getAcsResponse(get).getSecretData();
    }

    public static void main(String[] arguments) throws Exception {
        // Host and port only: this client does not accept a URL as endpoint.
        DefaultProfile.addEndpoint("cn-hangzhou", "Kms", URL.substring("http://".length()));
        client = new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", "test", "test"));

        CreateSecretRequest create = new CreateSecretRequest();
        create.setSysProtocol(ProtocolType.HTTP);
        create.setSecretName(NAME);
        create.setVersionId("v1");
        create.setSecretData("first");
        client.getAcsResponse(create);

        PutSecretValueRequest put = new PutSecretValueRequest();
        put.setSysProtocol(ProtocolType.HTTP);
        put.setSecretName(NAME);
        put.setVersionId("v2");
        put.setSecretData("second");
        client.getAcsResponse(put);

        System.out.println("current:  " + value("ACSCurrent"));
        System.out.println("previous: " + value("ACSPrevious"));
        if (!value("ACSCurrent").equals("second") || !value("ACSPrevious").equals("first")) throw new AssertionError("other values");

        DeleteSecretRequest delete = new DeleteSecretRequest();
        delete.setSysProtocol(ProtocolType.HTTP);
        delete.setSecretName(NAME);
        delete.setForceDeleteWithoutRecovery("true");
        client.getAcsResponse(delete);
    }
}
