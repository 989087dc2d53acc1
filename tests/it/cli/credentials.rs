//! Each kind of credential, and which one wins.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::User;
use crate::support::program::Program;

const CONFIG: &str = r#"
[[accounts]]
id = "1000000000000002"
[[accounts.access_keys]]
id = "rootid"
secret = "rootsecret"
[[accounts.access_keys]]
id = "tempid"
secret = "tempsecret"
security_token = "token"
[[accounts.users]]
name = "alice"
policies = ["AliyunSTSAssumeRoleAccess"]
[[accounts.users.access_keys]]
id = "aliceid"
secret = "alicesecret"
[[accounts.roles]]
name = "app"
trust = '''{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000002:root"]}}]}'''
policies = ["AliyunKMSFullAccess"]
"#;

const PROFILES: &str = r#"{"current":"temporary","profiles":[
  {"name":"plain","mode":"AK","access_key_id":"rootid","access_key_secret":"rootsecret","region_id":"cn-beijing"},
  {"name":"temporary","mode":"StsToken","access_key_id":"tempid","access_key_secret":"tempsecret","sts_token":"token"},
  {"name":"role","mode":"RamRoleArn","access_key_id":"aliceid","access_key_secret":"alicesecret",
   "ram_role_arn":"acs:ram::1000000000000002:role/app","ram_session_name":"me"},
  {"name":"uri","mode":"CredentialsURI","credentials_uri":"ADDRESS"}]}"#;

fn user() -> User {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("sesame.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let config = config.display().to_string();
    User::of(Program::serve(&["--in-memory", "--auth", "enforced", "--config", &config], &[]))
}

fn arn(user: &User, arguments: &[&str]) -> String {
    user.json(&[&["whoami"], arguments].concat())["Arn"].as_str().unwrap().to_owned()
}

const ROOT: &str = "acs:ram::1000000000000002:root";

#[test]
fn flags_go_before_a_profile_and_that_before_variables_and_those_before_the_current_profile() {
    let user = user();
    assert_eq!(arn(&user, &[]), "acs:ram::1000000000000001:root", "the built-in key");
    user.file(".aliyun/config.json", PROFILES);
    assert_eq!(arn(&user, &[]), ROOT, "the current profile");
    for scheme in ["acs3", "rpc"] {
        let role = arn(&user, &["--profile", "role", "--signature", scheme]);
        assert_eq!(role, "acs:ram::1000000000000002:assumed-role/app/me");
        assert_eq!(arn(&user, &["--profile", "plain", "--signature", scheme]), ROOT);
        assert_eq!(arn(&user, &["--profile", "temporary", "--signature", scheme]), ROOT);
    }
    let user = user.with("ALIBABA_CLOUD_PROFILE", "role");
    assert!(arn(&user, &[]).ends_with("assumed-role/app/me"));
    let user =
        user.with("ALIBABA_CLOUD_ACCESS_KEY_ID", "test").with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test");
    assert_eq!(arn(&user, &[]), "acs:ram::1000000000000001:root", "the variables");
    assert!(arn(&user, &["--profile", "role"]).ends_with("assumed-role/app/me"));
    assert_eq!(arn(&user, &["--access-key-id", "rootid", "--access-key-secret", "rootsecret"]), ROOT);
    let user = user.with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    assert!(user.fails(2, &["whoami"]).contains("ALIBABA_CLOUD_ACCESS_KEY_ID is not"));
}

#[test]
fn a_server_of_credentials_is_asked_at_its_whole_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/keys?for=me", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut piece = [0; 8192];
        let read = stream.read(&mut piece).unwrap();
        let body = r#"{"Code":"Success","AccessKeyId":"tempid","AccessKeySecret":"tempsecret","SecurityToken":"token"}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        String::from_utf8_lossy(&piece[..read]).into_owned()
    });
    let user = user();
    user.file(".aliyun/config.json", PROFILES.replace("ADDRESS", &uri));
    assert_eq!(arn(&user, &["--profile", "uri"]), ROOT);
    assert!(server.join().unwrap().starts_with("GET /keys?for=me HTTP/1.1\r\n"));
}
