use super::super::Rotators;
use super::*;

fn said(toml: &str) -> String {
    let file: RotatorFile = toml::from_str(&format!("name='a'\n{toml}")).unwrap();
    Rotators::new(&[file]).map_or_else(|why| why, |_| String::new())
}

const URL: &str = "url='http://127.0.0.1:8080/rotate'";

#[test]
fn rule_dy10_3_every_wrong_combination_of_kind_type_and_member_is_refused_in_one_line_that_names_both() {
    let hook = format!("secrets=['*']\nkind='webhook'\n{URL}");
    let cases = [
        ("type='Rds'\nkind='generator'".to_owned(), vec!["kind generator", "type Rds"]),
        (format!("type='Rds'\nkind='webhook'\n{URL}\nmode='steps'"), vec!["\"steps\"", "type Rds"]),
        (format!("type='ECS'\nkind='webhook'\n{URL}\ninterval='7d'"), vec!["interval", "type ECS"]),
        (
            "type='Redis'\nkind='command'\nargv=['x']\ninterval='7d'".to_owned(),
            vec!["interval", "type Redis"],
        ),
        ("type='Rds'\nkind='simulate'\nargv=['x']".to_owned(), vec!["kind simulate", "argv", "command"]),
        (
            "type='Rds'\nkind='postgres'\nurl='postgres://a@h'\nmode='value'".to_owned(),
            vec!["kind postgres", "mode"],
        ),
        ("type='RAMCredentials'\nkind='ram'\ninterval='7d'".to_owned(), vec!["kind ram", "interval"]),
        (format!("{hook}\nargv=['x']"), vec!["kind webhook", "argv"]),
        (format!("{hook}\nfields=['x']"), vec!["kind webhook", "fields"]),
        (format!("{hook}\nverify=true"), vec!["kind webhook", "verify"]),
        (format!("{hook}\npassword={{length=20}}"), vec!["kind webhook", "password"]),
        (format!("{hook}\nmode='value2'"), vec!["kind webhook", "mode"]),
        (format!("{hook}\nstep_names='aws'"), vec!["step_names", "mode = \"steps\""]),
        (format!("{hook}\nmode='steps'\nstep_names='gcp'"), vec!["step_names", "\"aws\""]),
        (format!("{hook}\nmode='steps'\nsend_value=true"), vec!["send_value", "\"steps\""]),
        (format!("{hook}\nmode='steps'\ninstance='i'"), vec!["kind webhook", "instance"]),
        (format!("{hook}\nca_file='x'"), vec!["ca_file", "https://"]),
        (format!("{hook}\ntimeout='31s'"), vec!["kind webhook", "timeout"]),
        (format!("{hook}\ninterval='0s'"), vec!["interval \"0s\""]),
        (format!("{hook}\ninterval='1w'"), vec!["interval \"1w\""]),
        ("secrets=['*']\nkind='webhook'".to_owned(), vec!["kind webhook", "needs url"]),
        ("secrets=['*']\nkind='command'".to_owned(), vec!["kind command", "needs argv"]),
        ("secrets=['*']\nkind='command'\nargv=['']".to_owned(), vec!["kind command", "needs argv"]),
        (format!("secrets=['*']\nkind='command'\nargv=['x']\n{URL}"), vec!["kind command", "url"]),
        (
            "secrets=['*']\nkind='command'\nargv=['x']\nsecret_env='S'".to_owned(),
            vec!["kind command", "secret_env"],
        ),
        ("secrets=['*']\nkind='generator'\nfields=[]".to_owned(), vec!["kind generator", "fields"]),
        (
            "secrets=['*']\nkind='generator'\nfields=['/a~2']".to_owned(),
            vec!["kind generator", "JSON pointer"],
        ),
        ("secrets=['*']\nkind='generator'\ntimeout='1s'".to_owned(), vec!["kind generator", "timeout"]),
        ("secrets=['*']\nkind='generator'\ninstance='x'".to_owned(), vec!["kind generator", "instance"]),
        ("secrets=['*']\nkind='generator'\npassword={length=7}".to_owned(), vec!["password.length"]),
        ("type='Generic'\nkind='simulate'".to_owned(), vec!["kind simulate", "type Generic"]),
    ];
    for (toml, wanted) in cases {
        let said = said(&toml);
        assert!(said.starts_with("rotator \"a\": ") && !said.contains('\n'), "{toml}: {said}");
        assert!(wanted.iter().all(|word| said.contains(word)), "{toml}: {said}");
    }
}

#[test]
fn a_url_is_checked_and_a_password_in_it_is_refused_and_not_repeated() {
    for (url, wanted) in [
        ("ftp://h", "does not begin with http://"),
        ("h:80", "does not begin with http://"),
        ("http://", "names no host"),
        ("http://:80/x", "names no host"),
        ("http://h:0/", "not a number from 1 to 65535"),
        ("http://h:x/", "not a number from 1 to 65535"),
        ("http://hush:hush@h/", "holds a user or a password"),
        ("http://h/a b", "character that a URL has not"),
        ("http://h/#x", "character that a URL has not"),
    ] {
        let said = said(&format!("secrets=['*']\nkind='webhook'\nurl='{url}'"));
        assert!(
            said.contains(wanted) && said.contains("for example url") && !said.contains("hush"),
            "{said}"
        );
    }
    let parts = |url: &str| split(url).map(|(server, path)| format!("{server} {}", path.reveal()));
    assert_eq!(parts("https://h").unwrap(), "https://h /");
    assert_eq!(parts("http://[::1]:80?t=1").unwrap(), "http://[::1]:80 /?t=1");
    assert_eq!(parts("http://[::1]/a?t=/1").unwrap(), "http://[::1] /a?t=/1");
}

#[test]
fn the_list_shows_no_query_of_a_url() {
    let toml = "name='a'\nsecrets=['*']\nkind='webhook'\nurl='http://h/a?token=hush'";
    let rotators = Rotators::new(&[toml::from_str(toml).unwrap()]).unwrap();
    let shown = serde_json::to_string(&rotators.list().next().unwrap().0).unwrap();
    assert!(shown.contains("http://h/a") && !shown.contains("hush"), "{shown}");
    assert!(!format!("{rotators:?}").contains("hush"));
}
