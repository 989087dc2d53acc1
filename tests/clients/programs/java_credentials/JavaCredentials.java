// The official credential providers of Java, which ask STS over https, and the classic SDK that signs with what they got.
// A private CA goes into the trust store: -Djavax.net.ssl.trustStore=… -Djavax.net.ssl.trustStorePassword=…
// Run as one source file, with what pom.xml names on the class path.

import com.aliyun.credentials.models.Config;
import com.aliyun.credentials.models.CredentialModel;
import com.aliyuncs.CommonRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.auth.AlibabaCloudCredentials;
import com.aliyuncs.auth.BasicCredentials;
import com.aliyuncs.auth.BasicSessionCredentials;
import com.aliyuncs.auth.StaticCredentialsProvider;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.http.FormatType;
import com.aliyuncs.http.MethodType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Map;
import java.util.Objects;

public class JavaCredentials {
    static final String ACCOUNT = "1000000000000001";
    static final String[] ENDPOINT = from("KMS_ENDPOINT", "http://127.0.0.1:38081").replaceAll("/$", "").split("://");
    static final String STS_HOST = from("STS_HOST", "localhost:8443");
    static final String[] ROOT = {from("KMS_AK", "testid"), from("KMS_SK", "testsecret")};
    static final String[] DEPLOYER = {"LTAI5tDeployerExample", "deployer-secret"};
    static final String[] READER = {"LTAI5tReaderExample", "reader-secret"};
    static final String NAME = "accept/java-" + System.nanoTime();
    static final String MINE = "team-a/" + NAME;
    static final String OTHER = "team-b/" + NAME;
    static int passed;
    static int failed;

    interface Try {
        Object run() throws Exception;
    }

    static String from(String variable, String otherwise) {
        String value = System.getenv(variable);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    static void check(String what, Object got, Object want) {
        boolean ok = Objects.equals(got, want);
        if (ok) passed++;
        else failed++;
        String text = String.valueOf(got);
        System.out.println(ok ? "ok   " + what : "FAIL " + what + ": got " + text.substring(0, Math.min(300, text.length())) + ", want " + want);
    }

    static String role(String name) {
        return "acs:ram::" + ACCOUNT + ":role/" + name;
    }

    static Config byRole(String name, String... key) {
        return new Config().setType("ram_role_arn").setAccessKeyId(key[0]).setAccessKeySecret(key[1]).setRoleArn(role(name))
            .setRoleSessionName("java-1").setRoleSessionExpiration(3600).setSTSEndpoint(STS_HOST);
    }

    static Config byToken(String token) {
        return new Config().setType("oidc_role_arn").setRoleArn(role("workload")).setRoleSessionName("pod-1").setRoleSessionExpiration(3600)
            .setOidcProviderArn("acs:ram::" + ACCOUNT + ":oidc-provider/cluster").setSTSEndpoint(STS_HOST)
            .setOidcTokenFilePath(from("OIDC_DIR", ".") + "/" + token + ".jwt");
    }

    static CredentialModel held(Config config) {
        return new com.aliyun.credentials.Client(config).getCredential();
    }

    /** The code in the answer that the library puts into its message, or the message. */
    static String refused(Config config, String code) {
        try {
            return "answered " + held(config).getAccessKeyId();
        } catch (RuntimeException error) {
            return String.valueOf(error.getMessage()).contains('"' + code + '"') ? code : String.valueOf(error);
        }
    }

    static JsonObject kms(AlibabaCloudCredentials credentials, String action, Map<String, String> parameters) throws ClientException {
        String region = from("KMS_REGION", "cn-hangzhou");
        DefaultAcsClient client = new DefaultAcsClient(DefaultProfile.getProfile(region), new StaticCredentialsProvider(credentials));
        CommonRequest request = new CommonRequest();
        request.setSysDomain(ENDPOINT[1]);
        request.setSysProtocol(ENDPOINT[0].equals("http") ? ProtocolType.HTTP : ProtocolType.HTTPS);
        request.setSysVersion("2016-01-20");
        request.setSysAction(action);
        request.setSysMethod(MethodType.POST);
        request.setHttpContentType(FormatType.FORM);
        parameters.forEach(request::putQueryParameter);
        return JsonParser.parseString(client.getCommonResponse(request).getData()).getAsJsonObject();
    }

    /** The value, or the code of the refusal. */
    static String get(Config config, String name) {
        try {
            CredentialModel held = held(config);
            AlibabaCloudCredentials session = new BasicSessionCredentials(held.getAccessKeyId(), held.getAccessKeySecret(), held.getSecurityToken());
            return kms(session, "GetSecretValue", Map.of("SecretName", name)).get("SecretData").getAsString();
        } catch (ClientException error) {
            return error.getErrCode();
        } catch (RuntimeException error) {
            return String.valueOf(error);
        }
    }

    static Object attempt(String what, Try action) {
        try {
            return action.run();
        } catch (Exception error) {
            check(what, error, "no exception");
            return null;
        }
    }

    public static void main(String[] arguments) {
        AlibabaCloudCredentials owner = new BasicCredentials(ROOT[0], ROOT[1]);
        for (String name : new String[] {MINE, OTHER})
            attempt("root makes " + name, () -> kms(owner, "CreateSecret", Map.of("SecretName", name, "VersionId", "v1", "SecretData", "value")));
        CredentialModel got = (CredentialModel) attempt("assume", () -> held(byRole("app", DEPLOYER)));
        check("key", got != null && got.getAccessKeyId().startsWith("STS.") && !got.getSecurityToken().isEmpty(), true);
        check("provider", got == null ? null : got.getProviderName(), "ram_role_arn/static_ak");
        check("reads", get(byRole("app", DEPLOYER), MINE), "value");
        check("reads elsewhere", get(byRole("app", DEPLOYER), OTHER), "Forbidden.NoPermission");
        Config narrow = byRole("app", DEPLOYER);
        narrow.policy = "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:GetSecretValue\",\"Resource\":\"acs:kms:*:*:secret/" + OTHER + "\"}]}";
        check("narrowed", get(narrow, MINE), "Forbidden.NoPermission");
        Config partner = byRole("partner", DEPLOYER);
        partner.externalId = "abcd1234";
        check("external id", get(partner, MINE), "value");
        check("unknown role", refused(byRole("nobody", DEPLOYER), "EntityNotExist.Role"), "EntityNotExist.Role");
        check("root", refused(byRole("app", ROOT), "NoPermission"), "NoPermission");
        check("no permission", refused(byRole("app", READER), "NoPermission"), "NoPermission");
        check("not trusted", refused(byRole("closed", DEPLOYER), "NoPermission"), "NoPermission");
        check("wrong secret", refused(byRole("app", DEPLOYER[0], "wrong"), "SignatureDoesNotMatch"), "SignatureDoesNotMatch");
        CredentialModel pod = (CredentialModel) attempt("oidc", () -> held(byToken("orders")));
        check("oidc key", pod != null && pod.getAccessKeyId().startsWith("STS.") && !pod.getSecurityToken().isEmpty(), true);
        check("oidc reads", get(byToken("orders"), MINE), "value");
        check("oidc reads elsewhere", get(byToken("orders"), OTHER), "Forbidden.NoPermission");
        check("oidc token with a line feed", get(byToken("two-audiences"), MINE), "value");
        for (String[] row : new String[][] {{"expired", "OIDCToken.Expired"}, {"audience", "OIDCToken.AudienceNotMatch"},
                {"forged", "OIDCToken.InvalidSignature"}, {"subject", "NoPermission"}})
            check("oidc " + row[0], refused(byToken(row[0]), "AuthenticationFail." + row[1]), "AuthenticationFail." + row[1]);
        for (String name : new String[] {MINE, OTHER})
            attempt("root removes " + name, () -> kms(owner, "DeleteSecret", Map.of("SecretName", name, "ForceDeleteWithoutRecovery", "true")));
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }
}
