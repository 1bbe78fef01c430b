//! `posthaste trace`: a message's life, told to whoever looks for it.

use std::process::Command;
use std::time::{Duration, Instant};

use posthaste_server::config::Config;
use tempfile::TempDir;

use crate::server::World;

const MESSAGE: &str = "Message-ID: <one@side.test>\r\nSubject: one\r\n\r\nbody\r\n";

/// Asks the command, as an administrator does: exit status, standard output, standard error.
fn ask(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let directory: &TempDir = &world.data;
    let file = directory.path().join("posthaste.toml");
    let data = directory.path().display();
    std::fs::write(&file, format!("hostname = \"localhost\"\ndata = \"{data}\"\n")).unwrap();
    assert!(Config::load(&file).is_ok());
    let output = Command::new(env!("CARGO_BIN_EXE_posthaste"))
        .arg("--config")
        .arg(file)
        .args(arguments)
        .output()
        .unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The same, again until the lines that wait for the disk are there.
fn found(world: &World, what: &str, wanted: &str) -> String {
    // Lines are written behind the back of the mail.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let (_, out, _) = ask(world, &["trace", what]);
        if out.contains(wanted) {
            return out;
        }
    }
    panic!("{what} does not say {wanted:?}: {:?}", ask(world, &["trace", what]));
}

#[tokio::test(flavor = "multi_thread")]
async fn u28_the_life_of_a_message_is_told_by_its_name_here_by_its_own_and_by_address() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.envelope("<out@side.test>", &["alice@x.test"]).await;
    let answer = peer.ask(&format!("{MESSAGE}."), "250 ").await;
    let id = answer.trim_end().rsplit(' ').next().unwrap().to_owned();
    let by_own = found(&world, "<one@side.test>", "safely in the mailbox");
    assert!(by_own.contains(&format!("Message {id}, Message-ID <one@side.test>")), "{by_own}");
    assert!(by_own.contains("It came in by SMTP from 127.0.0.1") && by_own.contains("octets"), "{by_own}");
    assert_eq!(found(&world, &id, "safely in the mailbox"), by_own);
    assert_eq!(found(&world, "Alice@x.test", "safely in the mailbox"), by_own);
    let (status, out, _) = ask(&world, &["--json", "trace", &id]);
    let events: serde_json::Value = serde_json::from_str(&out).unwrap();
    let states: Vec<_> = events.as_array().unwrap().iter().map(|event| event["state"].clone()).collect();
    assert_eq!((status, states), (0, vec!["received".into(), "delivered".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn u28_a_refusal_is_told_with_what_to_do_about_it() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<lost@side.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 ").await;
    let told = found(&world, "lost@side.test", "refused");
    assert!(told.contains("nobody@x.test") && told.contains("make the account or an alias"), "{told}");
    let (status, out, err) = ask(&world, &["trace", "never@side.test"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("nothing is known of"), "{err}");
}
