// The cache client of Java, told what to do line by line: see behaviour.py.

import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.kms.secretsmanager.client.SecretCacheClient;
import com.aliyuncs.kms.secretsmanager.client.SecretCacheClientBuilder;
import com.aliyuncs.kms.secretsmanager.client.model.RegionInfo;
import com.aliyuncs.kms.secretsmanager.client.service.DefaultSecretManagerClientBuilder;
import java.util.Scanner;

public class Driver {
    public static void main(String[] arguments) throws Exception {
        SecretCacheClient cache = SecretCacheClientBuilder.newCacheClientBuilder(
            new DefaultSecretManagerClientBuilder().withAccessKey("test", "test")
                .addRegion(new RegionInfo("cn-hangzhou", false, System.getenv("CACHE_HOST"))).build()).build();
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            try {
                if (words[0].equals("get")) System.out.println("= " + cache.getSecretInfo(words[1]).getSecretValue());
                else System.out.println("= " + cache.refreshNow(words[1]));
            } catch (Exception error) {
                Throwable cause = error;
                while (cause != null && !(cause instanceof ClientException)) cause = cause.getCause();
                System.out.println("! " + (cause == null ? error : ((ClientException) cause).getErrCode()));
            }
        }
        System.exit(0);
    }
}
