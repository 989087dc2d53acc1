//! `/_sesame/clock`: stopping the clock where it is.

use serde_json::{Value, json};
use sesame::testing::ports::Clock;

use crate::state::{admin, done};
use crate::support::Server;

const PATH: &str = "/_sesame/clock";

async fn state(server: &Server, body: &str) -> (Value, Value) {
    let said = done(server, "POST", PATH, body).await;
    (said["now"].clone(), said["running"].clone())
}

#[tokio::test]
async fn a_frozen_clock_stands_to_the_millisecond_and_still_advances() {
    let server = Server::start().await;
    state(&server, r#"{"set":"2027-01-01T00:00:00Z"}"#).await;
    state(&server, r#"{"advance_seconds":5}"#).await;
    let stands = json!("2027-01-01T00:00:05Z");
    // A clock that stands already stays where it is.
    assert_eq!(state(&server, r#"{"freeze":true}"#).await, (stands, json!(false)));
    assert_eq!(state(&server, r#"{"resume":true}"#).await.1, json!(true));
    state(&server, r#"{"advance_seconds":86400}"#).await;
    let before = server.clock.now();
    assert_eq!(state(&server, r#"{"freeze":true}"#).await.1, json!(false));
    let frozen = server.clock.now();
    assert!(frozen >= before, "a clock that runs ahead does not go back by the milliseconds of the second");
    assert_eq!(server.clock.now(), frozen);
    state(&server, r#"{"advance_seconds":1}"#).await;
    assert_eq!(server.clock.now(), frozen.plus_millis(1000));
    for wrong in [r#"{"freeze":false}"#, r#"{"freeze":true,"resume":true}"#, "{}"] {
        let answer = admin(&server, "POST", PATH, wrong).await;
        assert!(
            answer.status == 400 && answer.body.contains("freeze and resume"),
            "{wrong}: {}",
            answer.body
        );
    }
    server.stop().await;
}
