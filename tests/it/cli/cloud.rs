//! The cloud is never changed by accident.

use super::User;

const CLOUD: &str = "https://kms.cn-hangzhou.aliyuncs.com";

#[test]
fn a_change_in_the_cloud_needs_a_word_before_anything_is_read_or_sent() {
    let user = User::new(&[]).with("SESAME_URL", CLOUD);
    for arguments in [
        &["put", "a", "--generate"][..],
        &["create", "a", "--generate"],
        &["rm", "a"],
        &["undelete", "a"],
        &["promote", "a", "v1"],
        &["rollback", "a"],
        &["tag", "a", "b=c"],
        &["untag", "a", "b"],
        &["rotate", "a"],
    ] {
        let said = user.fails(2, arguments);
        assert!(said.contains("in the cloud, at https://kms.cn-hangzhou.aliyuncs.com: add --yes"), "{said}");
    }
}

#[test]
fn the_built_in_key_is_never_sent_to_the_cloud() {
    let user = User::new(&[]);
    for url in [CLOUD, "https://KMS.cn-hangzhou.ALIYUNCS.com.", "http://sts.aliyuncs.com:80"] {
        let said = user.fails(4, &["ls", "--url", url]);
        assert!(said.contains("no credentials are given: set ALIBABA_CLOUD_ACCESS_KEY_ID"), "{said}");
    }
}
