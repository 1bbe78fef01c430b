//! REL-17, REL-18: a second server on the same data, and SIGTERM in the middle of work.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    ledger::{Ledger, Outcome},
    load::{Kind, Load},
    machine::{self, Dice},
    message,
    server::{ALICE, STOP_MAX, Server},
    talk::{Imap, Talk},
};

#[test]
fn rel_17_a_second_server_on_the_same_data_refuses() {
    let server = Server::start();
    let (mut second, ready) = server.spawn();
    let ended = machine::eventually(Duration::from_secs(30), || second.try_wait().unwrap());
    let _ = second.kill();
    let ended = ended.unwrap_or_else(|| panic!("the second runs\n{}", server.log()));
    assert_eq!(ended.code(), Some(1));
    assert!(ready.try_recv().is_err(), "the second said that it is ready");
    assert!(
        server.whole_log().contains("another server is running on this data directory"),
        "{}",
        server.log()
    );
    // The first does not mind, nor is it gone from its socket.
    let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
    assert_eq!(talk.deliver(ALICE, &message::message(1)), Outcome::Acknowledged);
    server.check();
}

#[test]
fn rel_18_sigterm_in_the_middle_of_work_loses_nothing() {
    let ledger = Arc::new(Ledger::default());
    let mut dice = Dice::new(18);
    let mut server = Server::start();
    for twice in [false, true, false] {
        let load = Load::start(&server, &ledger, Kind::All, &mut dice);
        let mut idle = Talk::mail(server.ports(), "smtp").unwrap();
        let mut imap = Imap::open(server.ports(), ALICE).unwrap();
        // A moment of chance.
        thread::sleep(Duration::from_millis(100 + dice.below(200)));
        if twice {
            machine::signal("TERM", server.pid());
            thread::sleep(Duration::from_millis(dice.below(20)));
        }
        let status = if server.is_running() { Some(server.terminate()) } else { None };
        let status = status.unwrap_or_else(|| server.wait(STOP_MAX));
        load.stop();
        assert_eq!(status.code(), Some(0), "{}", server.log());
        // Whoever had nothing to do was told.
        assert!(matches!(idle.reply(), Ok((421, _))), "{}", server.log());
        assert!(imap.response().is_ok_and(|response| response.text.starts_with("* BYE")));
        server.launch();
        ledger.audit(&server);
        server.check();
    }
    ledger.show("SIGTERM");
    server.assert_no_panic();
    assert!(ledger.acknowledged() > 10);
}

#[test]
fn rel_18_a_peer_that_says_nothing_does_not_hold_the_end_up() {
    let mut server = Server::start();
    let mut silent = Talk::mail(server.ports(), "smtp").unwrap();
    silent.accepted("MAIL FROM:<sender@remote.test>");
    silent.accepted(&format!("RCPT TO:<{ALICE}>"));
    silent.accepted("DATA");
    silent.send("Subject: half\r\n\r\nof a message").unwrap();
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    server.launch();
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    imap.ok("SELECT INBOX");
    assert!(imap.messages("1:*", "BODY.PEEK[]").unwrap().is_empty());
}
