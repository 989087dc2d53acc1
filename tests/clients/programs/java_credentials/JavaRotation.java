// Secrets of the five managed types: made, rotated at once and by the clock, failed on purpose and mended, with the classic SDK of Java.
// Run as one source file, with what pom.xml names on the class path.

import com.aliyuncs.CommonRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.http.FormatType;
import com.aliyuncs.http.MethodType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

public class JavaRotation {
    static final String URL = from("KMS_ENDPOINT", "http://127.0.0.1:38081").replaceAll("/$", "");
    static final int WEEK = 604800;
    static final int WINDOW = 172800;
    static final String TWO = "{\"SecretSubType\":\"DoubleUsers\",\"RegionId\":\"cn-hangzhou\",\"AccountName\":\"app\",\"CloneAccountName\":\"app_clone\",";
    static final String ACCOUNT = "AccountName AccountPassword";
    // SecretType, name, ExtendedConfig, SecretData, members of the value
    static final String[][] TYPES = {
        {"Rds", "rotated/rds-java", "{\"SecretSubType\":\"DoubleUsers\",\"DBInstanceId\":\"rm-1\"}", "{\"Accounts\":[{\"AccountName\":\"app\",\"AccountPassword\":\"first-Secret1\"}]}", ACCOUNT},
        {"Redis", "rotated/redis-java", TWO + "\"InstanceId\":\"r-4\",\"AccountPrivilege\":\"RoleReadWrite\"}", "$Auto", ACCOUNT},
        {"PolarDB", "rotated/polardb-java", TWO + "\"DBClusterId\":\"pc-4\",\"DBType\":\"MySQL\",\"AccountType\":\"Normal\"}", "$Auto", ACCOUNT},
        {"ECS", "acs/ecs/rotated-java", "{\"SecretSubType\":\"Password\",\"InstanceId\":\"i-1\",\"RegionId\":\"cn-hangzhou\"}", "{\"UserName\":\"root\",\"Password\":\"first-Secret1\"}", "Password UserName"},
        {"RAMCredentials", "$Auto", "{\"SecretSubType\":\"RamUserAccessKey\",\"UserName\":\"rotated-java\"}",
            "{\"AccessKeys\":[{\"AccessKeyId\":\"LTAI5tRotatedJava\",\"AccessKeySecret\":\"first-secret\"}]}", "AccessKeyId AccessKeySecret GenerateTimestamp"},
    };
    static final DefaultAcsClient CLIENT = new DefaultAcsClient(DefaultProfile.getProfile(from("KMS_REGION", "cn-hangzhou"), from("KMS_AK", "testid"), from("KMS_SK", "testsecret")));
    static final List<JavaRotation> SECRETS = new ArrayList<>();
    static int passed;
    static int failed;
    final String kind, name, members;
    String value, version;

    static String from(String variable, String otherwise) {
        String value = System.getenv(variable);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    static void check(String what, Object got, Object want) {
        boolean ok = Objects.equals(got, want);
        if (ok) passed++;
        else failed++;
        System.out.println(ok ? "ok   " + what : "FAIL " + what + ": got " + got + ", want " + want);
    }

    static JsonObject call(String action, Map<String, String> parameters) throws Exception {
        CommonRequest request = new CommonRequest();
        request.setSysDomain(URL.split("://")[1]);
        request.setSysProtocol(URL.startsWith("https") ? ProtocolType.HTTPS : ProtocolType.HTTP);
        request.setSysVersion("2016-01-20");
        request.setSysAction(action);
        request.setSysMethod(MethodType.POST);
        request.setHttpContentType(FormatType.FORM);
        parameters.forEach(request::putQueryParameter);
        return JsonParser.parseString(CLIENT.getCommonResponse(request).getData()).getAsJsonObject();
    }

    static String text(JsonObject answer, String member) {
        return answer.has(member) ? answer.get(member).getAsString() : null;
    }

    static String admin(String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(URL + "/_sesame/" + path)).method(method, HttpRequest.BodyPublishers.ofString(body));
        String token = from("ADMIN_TOKEN", "");
        if (!token.isEmpty()) request.header("Authorization", "Bearer " + token);
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
        return answer.body();
    }

    /** What became of the rotations that were due. */
    static String advance(int seconds) throws Exception {
        JsonObject counts = JsonParser.parseString(admin("POST", "clock", "{\"advance_seconds\":" + seconds + "}")).getAsJsonObject().getAsJsonObject("rotations");
        return counts.get("done") + " done, " + counts.get("failed") + " failed, " + counts.get("running") + " running";
    }

    static String members(String value) {
        return String.join(" ", new TreeSet<>(JsonParser.parseString(value).getAsJsonObject().keySet()));
    }

    JavaRotation(String[] row) throws Exception {
        JsonObject made = call("CreateSecret", Map.of("SecretName", row[1], "VersionId", "v1", "SecretType", row[0], "ExtendedConfig", row[2], "SecretData", row[3]));
        kind = row[0];
        name = text(made, "SecretName");
        members = row[4];
        SECRETS.add(this);
        check(kind + " is made without a plan", text(made, "AutomaticRotation"), "Disabled");
        JsonObject got = call("GetSecretValue", Map.of("SecretName", name, "FetchExtendedConfig", "true"));
        value = text(got, "SecretData");
        version = text(got, "VersionId");
        check(kind + " shows its type", text(got, "SecretType"), kind);
        check(kind + " has the members", members(value), members);
        check(kind + " shows its configuration", got.has("ExtendedConfig"), true);
    }

    /** What was current is previous, and ACSCurrent is on another value. */
    void changed(String how, String wanted) throws Exception {
        JsonObject got = call("GetSecretValue", Map.of("SecretName", name));
        JsonObject old = call("GetSecretValue", Map.of("SecretName", name, "VersionStage", "ACSPrevious"));
        check(kind + " has a new value " + how, !text(got, "SecretData").equals(value) && !text(got, "VersionId").equals(version), true);
        check(kind + " has the same members " + how, members(text(got, "SecretData")), members);
        check(kind + " keeps the old value as previous " + how, text(old, "VersionId") + text(old, "SecretData"), version + value);
        if (wanted != null) check(kind + " has the version that was asked for " + how, text(got, "VersionId"), wanted);
        value = text(got, "SecretData");
        version = text(got, "VersionId");
    }

    String plan(String member) throws Exception {
        return text(call("DescribeSecret", Map.of("SecretName", name)), member);
    }

    void rotate(String wanted) throws Exception {
        call("RotateSecret", Map.of("SecretName", name, "VersionId", wanted));
    }

    static void scenario() throws Exception {
        for (String[] row : TYPES) new JavaRotation(row);
        for (JavaRotation s : SECRETS) {
            s.rotate("r1");
            s.changed("at once", "r1");
        }
        // The window of the two AccessKeys must be over before the next change.
        check("nothing is due without a plan", advance(WINDOW), "0 done, 0 failed, 0 running");
        for (JavaRotation s : SECRETS) {
            call("UpdateSecretRotationPolicy", Map.of("SecretName", s.name, "EnableAutomaticRotation", "true", "RotationInterval", "7d"));
            check(s.kind + " has a plan", s.plan("AutomaticRotation") + " " + s.plan("RotationInterval"), "Enabled 604800s");
        }
        check("all are rotated by the clock", advance(WEEK), "5 done, 0 failed, 0 running");
        for (JavaRotation s : SECRETS) s.changed("by the clock", null);
        check("nothing is due after two days", advance(WINDOW), "0 done, 0 failed, 0 running");
        admin("PUT", "faults", "[{\"action\":\"RotateSecret\",\"code\":\"Kms:TargetRefused\"}]");
        check("all fail on purpose", advance(WEEK), "0 done, 5 failed, 0 running");
        for (JavaRotation s : SECRETS) {
            check(s.kind + " is Invalid", s.plan("AutomaticRotation"), "Invalid");
            JsonObject got = call("GetSecretValue", Map.of("SecretName", s.name));
            check(s.kind + " keeps its value", text(got, "VersionId") + text(got, "SecretData"), s.version + s.value);
        }
        admin("PUT", "faults", "[]");
        check("an Invalid plan is not due", advance(WEEK), "0 done, 0 failed, 0 running");
        for (JavaRotation s : SECRETS) {
            s.rotate("r2");
            s.changed("when mended", "r2");
            check(s.kind + " is Enabled again", s.plan("AutomaticRotation"), "Enabled");
        }
    }

    public static void main(String[] arguments) throws Exception {
        try {
            scenario();
        } catch (Exception error) {
            check("rotation", error, "no exception");
        }
        admin("PUT", "faults", "[]");
        admin("POST", "clock", "{\"resume\":true}");
        for (JavaRotation s : SECRETS) call("DeleteSecret", Map.of("SecretName", s.name, "ForceDeleteWithoutRecovery", "true"));
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }
}
