//! REL-12: descriptors run out in the middle of deliveries. Who is connected is served or told to come back, nothing is
//! lost or there twice, and when there are descriptors again, all goes on.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    ledger::{Ledger, Outcome, State},
    load::{Kind, Load},
    machine::{self, Dice},
    message,
    server::{ALICE, Server, Setting},
    talk::Talk,
};

/// A server needs some for itself.
const DESCRIPTORS: usize = 80;

#[test]
fn rel_12_nothing_is_lost_when_descriptors_run_out() {
    let limit = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    let under = vec!["/bin/sh".into(), "-c".into(), limit.into()];
    let configuration = "[limits]\nconnections_per_ip = 10000\n".to_owned();
    let mut server = Server::start_with(Setting { under, configuration, ..Setting::default() });
    let ledger = Arc::new(Ledger::default());
    let mut dice = Dice::new(12);
    let base = machine::descriptors(server.pid());
    for _ in 0..3 {
        let load = Load::start(&server, &ledger, Kind::All, &mut dice);
        thread::sleep(Duration::from_millis(100 + dice.below(100)));
        // More than there can be. The system queues those that the server does not take.
        let port = server.ports()["pop3"];
        let crowd: Vec<_> = (0..DESCRIPTORS + 20).filter_map(|_| Talk::connect(port).ok()).collect();
        let exhausted = machine::eventually(Duration::from_secs(10), || {
            (machine::descriptors(server.pid()) >= DESCRIPTORS - 2).then_some(())
        });
        assert!(exhausted.is_some(), "{} of {DESCRIPTORS}", machine::descriptors(server.pid()));
        thread::sleep(Duration::from_millis(200 + dice.below(200)));
        drop(crowd);
        load.stop();
        let back = machine::eventually(Duration::from_secs(30), || {
            (machine::descriptors(server.pid()) <= base + machine::LAZY_MAX).then_some(())
        });
        assert!(back.is_some(), "{} descriptors, and {base} before", machine::descriptors(server.pid()));
        let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
        let id = ledger.id();
        let attempt = || (talk.deliver(ALICE, &message::message(id)), None);
        let (outcome, _) = ledger.attempt(ALICE, id, State::at("INBOX", &[], None), attempt);
        assert_eq!(outcome, Outcome::Acknowledged, "{}", server.log());
        drop(talk);
        ledger.audit(&server);
        server.check();
    }
    ledger.show("no descriptors");
    assert!(server.is_running());
    server.assert_no_panic();
}
