//! Values go in by every way and come out as they went in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::User;
use crate::support::program::printed;

#[test]
fn a_value_comes_from_a_file_standard_input_a_generator_or_with_a_warning_from_an_argument() {
    let user = User::new(&[]);
    user.file("pem", "line\nline\n");
    user.ok(&["create", "file", "--file", "pem"]);
    assert_eq!(user.ok(&["get", "file"]), "line\nline\n");
    user.ok_fed("hello\n", &["create", "input"]);
    assert_eq!(user.ok(&["get", "input"]), "hello");
    user.ok_fed("a\nb\n", &["create", "lines", "--file", "-"]);
    assert_eq!(user.ok(&["get", "lines"]), "a\nb\n");
    user.ok(&["create", "made", "--generate"]);
    assert_eq!(user.ok(&["get", "made"]).len(), 32);
    user.ok(&["put", "made", "--generate", "64"]);
    assert_eq!(user.ok(&["get", "made"]).len(), 64);
    let output = user.run(&["create", "argument", "hunter2"]);
    let said = printed(&output);
    assert!(output.status.success() && said.contains("warning: the value was an argument"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(user.ok(&["get", "argument"]), "hunter2");
    assert!(user.fails(2, &["create", "none"]).contains("the value is empty"));
    assert!(user.fails(1, &["create", "none", "--file", "absent"]).contains("cannot read absent"));
    assert!(user.fails(2, &["create", "none", "x", "--file", "pem"]).contains("cannot be used with"));
}

#[test]
fn bytes_that_are_no_text_are_stored_as_binary_and_come_back() {
    let user = User::new(&[]);
    let bytes = [0_u8, 255, 10, 13, 10];
    user.file("key", bytes);
    user.ok(&["create", "key", "--file", "key"]);
    let answer = user.json(&["get", "key"]);
    assert_eq!(answer["SecretDataType"], "binary");
    assert_eq!(answer["SecretData"], STANDARD.encode(bytes));
    let output = user.run(&["get", "key"]);
    assert_eq!(output.stdout, bytes);
    user.ok_fed("text", &["create", "wished", "--binary"]);
    assert_eq!(user.json(&["get", "wished"])["SecretData"], STANDARD.encode("text"));
    assert_eq!(user.ok(&["get", "wished"]), "text");
}

#[test]
fn a_member_of_a_json_value_is_printed_alone() {
    let user = User::new(&[]);
    user.ok_fed(r#"{"user":"u","list":[{"port":5432}]}"#, &["create", "app/db"]);
    assert_eq!(user.ok(&["get", "app/db", "--json", "user"]), "u");
    assert_eq!(user.ok(&["get", "app/db", "--json", "list[0].port"]), "5432");
    assert!(user.fails(3, &["get", "app/db", "--json", "usr"]).contains("did you mean user?"));
}

#[test]
fn no_value_is_in_the_log_of_the_server_and_in_its_list_of_requests() {
    let user = User::new(&["--log", "debug"]);
    user.ok_fed("hunter2-canary", &["create", "a"]);
    user.ok_fed("hunter2-canary", &["put", "a", "--signature", "rpc"]);
    user.ok(&["get", "a"]);
    let seen = user.server.admin("GET", "/_sesame/requests", "");
    assert!(seen.contains("CreateSecret") && !seen.contains("hunter2"), "{seen}");
    assert!(!user.server.log().contains("hunter2"));
}
