//! REL-02: killed again and again at random moments of its work, the server keeps what it acknowledged, once; and REL-30:
//! nothing is wrong with the store afterwards.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ledger::Ledger,
    load::{Kind, Load},
    machine::{self, Dice},
    server::Server,
};

#[test]
fn rel_02_what_was_acknowledged_survives_kills_at_random_moments() {
    let cycles = machine::number("POSTHASTE_FAULTS_CYCLES", if machine::is_long() { 500 } else { 30 });
    let mut dice = Dice::new(2);
    let ledger = Arc::new(Ledger::default());
    let mut server = Server::start();
    let mut slowest = Duration::ZERO;
    for cycle in 1..=cycles {
        let before = ledger.acknowledged();
        let load = Load::start(&server, &ledger, Kind::All, &mut dice);
        // The moment of the kill is what the dice are for, not a wait for something.
        thread::sleep(Duration::from_millis(dice.below(300)));
        server.kill();
        load.stop();
        let begun = Instant::now();
        server.launch();
        slowest = slowest.max(begun.elapsed());
        ledger.audit(&server);
        server.check();
        println!("cycle {cycle}: {} more messages", ledger.acknowledged() - before);
        if cycle % 50 == 0 {
            ledger.show("so far");
        }
    }
    ledger.show(&format!("{cycles} kills, {slowest:?} at most until it was ready again"));
    server.assert_no_panic();
    assert!(ledger.acknowledged() > cycles, "the load did not work: {}", ledger.acknowledged());
    assert!(slowest < Duration::from_secs(5), "recovery took {slowest:?}");
}
