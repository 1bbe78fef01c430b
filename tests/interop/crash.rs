//! What was acknowledged is there after a crash, once.

use crate::{
    program, python,
    raw::Talk,
    server::{ALICE, BOB, Server},
};

#[test]
fn a_message_that_got_its_250_survives_sigkill() {
    if program::find("python3").is_none() {
        return; // it looks into the mailbox
    }
    let mut server = Server::start();
    for round in 1..=5 {
        let mut talk = Talk::greeted(&server, "smtp");
        talk.envelope("sender@remote.test", &[ALICE, BOB]);
        talk.send(format!("Subject: round {round}\r\n\r\nbody\r\n.\r\n"));
        talk.expect("250");
        server.crash_and_restart();
        for account in [ALICE, BOB] {
            let inbox = python::headers(&server, account);
            assert_eq!(inbox.len(), round, "of {round} messages {account} has {inbox:#?}");
            let subject = format!("Subject: round {round}");
            assert!(
                inbox[round - 1].lines().any(|line| line == subject),
                "{subject} is not the last: {inbox:#?}"
            );
        }
    }
}

#[test]
fn a_message_that_got_no_250_is_not_half_there() {
    if program::find("python3").is_none() {
        return;
    }
    let mut server = Server::start();
    let mut talk = Talk::greeted(&server, "smtp");
    talk.envelope("sender@remote.test", &[ALICE]);
    talk.send("Subject: half\r\n\r\n");
    talk.send("a line of a body that never ends\r\n".repeat(10_000));
    server.crash_and_restart();
    let inbox = python::headers(&server, ALICE);
    assert!(inbox.is_empty(), "{inbox:#?}");
}
