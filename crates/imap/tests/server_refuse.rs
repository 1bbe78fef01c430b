//! One arm for all that an application does not do: every question is answered by it, once, as its RFC allows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/server.rs"]
mod support;

use posthaste_imap::server::{Event, Refusal, Server};
use posthaste_imap::{Misuse, Step, Time};
use support::{everything, selected, sent, server};

/// What the server says when all that it asks is refused.
fn refused(server: &mut Server, input: &str) -> String {
    server.handle_input(Time::ZERO, input.as_bytes());
    while let Ok(Step::Event(event)) = server.poll_event() {
        event.refuse(server, Refusal::cannot()).unwrap();
    }
    sent(server)
}

#[test]
fn every_question_can_be_refused() {
    for command in [
        "NAMESPACE",
        "LIST \"\" *",
        "LSUB \"\" *",
        "SUBSCRIBE x",
        "UNSUBSCRIBE x",
        "CREATE x",
        "DELETE x",
        "RENAME x y",
        "STATUS x (MESSAGES)",
        "SELECT x",
        "EXAMINE x",
        "APPEND x {3+}\r\none",
        "REPLACE 1 x {3+}\r\none",
        "FETCH 1 FLAGS",
        "STORE 1 FLAGS (\\Seen)",
        "COPY 1 x",
        "MOVE 1 x",
        "EXPUNGE",
        "SEARCH ALL",
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "ESEARCH IN (personal) ALL",
        "UIDBATCHES 1000",
        "GETQUOTA x",
        "GETQUOTAROOT x",
        "SETQUOTA x ()",
        "GETACL x",
        "SETACL x joe lr",
        "DELETEACL x joe",
        "LISTRIGHTS x joe",
        "MYRIGHTS x",
        "GETMETADATA x /private/comment",
        "SETMETADATA x (/private/comment NIL)",
        "NOTIFY SET (personal (MessageNew MessageExpunge))",
        "IDLE",
        "COMPRESS DEFLATE",
    ] {
        let mut server = selected(everything());
        let text = refused(&mut server, &format!("a {command}\r\n"));
        assert!(text.contains("a NO ") && text.matches("a ").count() == 1, "{command}: {text}");
        assert!(refused(&mut server, "b CAPABILITY\r\n").contains("b OK "), "{command}: and on it goes");
    }
}

#[test]
fn what_knows_no_no_is_bad() {
    for command in ["NOOP", "CHECK", "CLOSE", "UNSELECT"] {
        let mut server = selected(everything());
        let text = refused(&mut server, &format!("a {command}\r\n"));
        assert!(text.starts_with("a BAD "), "{command}: {text}");
    }
    let mut server = selected(everything());
    let text = refused(&mut server, "a UNAUTHENTICATE\r\n");
    assert!(text.starts_with("* BYE "), "{text}");
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a IDLE\r\nDONE\r\n");
    support::named_event!(server, Idle).start(&mut server).unwrap();
    assert!(refused(&mut server, "").ends_with("\r\na BAD Not possible\r\n"));
}

#[test]
fn credentials_that_are_refused_are_failed_logins() {
    for command in ["LOGIN u p", "AUTHENTICATE PLAIN AHUAcA=="] {
        let mut server = support::with(everything(), |config| config.limits.auth_failures_max = 2);
        let text = refused(&mut server, &format!("a {command}\r\nb {command}\r\n"));
        assert!(text.contains("\r\na NO ") && text.contains("b NO ") && text.contains("* BYE "), "{text}");
    }
}

#[test]
fn what_asks_nothing_is_passed_over_and_another_connection_refuses() {
    let mut server = server(everything());
    assert_eq!(Event::Resync.refuse(&mut server, Refusal::cannot()), Ok(()));
    server.handle_input(Time::ZERO, b"a NOOP\r\n");
    let Ok(Step::Event(event)) = server.poll_event() else { panic!() };
    let mut other = selected(everything());
    assert_eq!(event.refuse(&mut other, Refusal::cannot()), Err(Misuse::WrongConnection));
}
