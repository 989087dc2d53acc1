import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.kms.model.v20160120.CreateSecretRequest;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.PutSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.UpdateSecretVersionStageRequest;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/** One secret with the login of a database: {"AccountName":"…","AccountPassword":"…"}. */
class Secrets {
    record Login(String name, String password) {}

    private final DefaultAcsClient client;
    private final String secret;

    Secrets(String url, String secret) {
        DefaultProfile.addEndpoint("cn-hangzhou", "Kms", url.substring("http://".length()));
        client = new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", "test", "test"));
        this.secret = secret;
    }

    Login read() throws ClientException {
        GetSecretValueRequest get = new GetSecretValueRequest();
        get.setSysProtocol(ProtocolType.HTTP);
        get.setSecretName(secret);
        JsonObject value = JsonParser.parseString(client.getAcsResponse(get).getSecretData()).getAsJsonObject();
        return new Login(value.get("AccountName").getAsString(), value.get("AccountPassword").getAsString());
    }

    void create(String version, Login login) throws ClientException {
        CreateSecretRequest create = new CreateSecretRequest();
        create.setSysProtocol(ProtocolType.HTTP);
        create.setSecretName(secret);
        create.setVersionId(version);
        create.setSecretData(text(login));
        client.getAcsResponse(create);
    }

    /** Stores a version that nobody reads yet. */
    void stage(String version, Login login) throws ClientException {
        PutSecretValueRequest put = new PutSecretValueRequest();
        put.setSysProtocol(ProtocolType.HTTP);
        put.setSecretName(secret);
        put.setVersionId(version);
        put.setSecretData(text(login));
        put.setVersionStages("[\"Next\"]");
        client.getAcsResponse(put);
    }

    void promote(String from, String to) throws ClientException {
        UpdateSecretVersionStageRequest move = new UpdateSecretVersionStageRequest();
        move.setSysProtocol(ProtocolType.HTTP);
        move.setSecretName(secret);
        move.setVersionStage("ACSCurrent");
        move.setRemoveFromVersion(from);
        move.setMoveToVersion(to);
        client.getAcsResponse(move);
    }

    private static String text(Login login) {
        JsonObject value = new JsonObject();
        value.addProperty("AccountName", login.name());
        value.addProperty("AccountPassword", login.password());
        return value.toString();
    }
}
