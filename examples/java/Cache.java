// The official cache client of Java. It speaks https only, accepts any certificate, and asks for XML.
// Run as one source file, with the dependencies of pom.xml on the class path. SESAME_HTTPS is the host and port of the https address.

import com.aliyuncs.kms.secretsmanager.client.SecretCacheClient;
import com.aliyuncs.kms.secretsmanager.client.SecretCacheClientBuilder;
import com.aliyuncs.kms.secretsmanager.client.model.RegionInfo;
import com.aliyuncs.kms.secretsmanager.client.service.DefaultSecretManagerClientBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

public class Cache {
    static final String URL = System.getenv().getOrDefault("SESAME_URL", "http://127.0.0.1:7070");
    static final String HTTPS = System.getenv().getOrDefault("SESAME_HTTPS", "localhost:7070");
    static final String NAME = "examples/java-cache";

    /** The cache client only reads; in open mode an unsigned request will do to write. */
    static void call(String action, String more) throws IOException, InterruptedException {
        String query = "/?Version=2016-01-20&Action=" + action + "&SecretName=" + URLEncoder.encode(NAME, StandardCharsets.UTF_8) + more;
        HttpRequest request = HttpRequest.newBuilder(URI.create(URL + query)).POST(HttpRequest.BodyPublishers.noBody()).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new IOException(answer.body());
    }

    static void expect(String wanted, String got) {
        if (!wanted.equals(got)) throw new AssertionError("got " + got + ", want " + wanted);
    }

    public static void main(String[] arguments) throws Exception {
        call("CreateSecret", "&VersionId=v1&SecretData=first");
        DefaultSecretManagerClientBuilder builder = new DefaultSecretManagerClientBuilder();
        SecretCacheClient cache = SecretCacheClientBuilder.newCacheClientBuilder(
            builder.withAccessKey("test", "test").addRegion(new RegionInfo("cn-hangzhou", false, HTTPS)).build()).build();
        expect("first", cache.getSecretInfo(NAME).getSecretValue());
        call("PutSecretValue", "&VersionId=v2&SecretData=second");
        System.out.println("from the cache:  " + cache.getSecretInfo(NAME).getSecretValue());
        expect("first", cache.getSecretInfo(NAME).getSecretValue());
        if (!cache.refreshNow(NAME)) throw new AssertionError("not refreshed");
        System.out.println("after a refresh: " + cache.getSecretInfo(NAME).getSecretValue());
        expect("second", cache.getSecretInfo(NAME).getSecretValue());
        call("DeleteSecret", "&ForceDeleteWithoutRecovery=true");
        cache.close();
        System.exit(0);
    }
}
