//! Futures of a connection may be dropped whenever they are not ready: whole sessions of all six machines, with each
//! future dropped at each of its polls, are the sessions that nobody disturbed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;
mod sessions;

use common::{plain_client, plain_server, tls_roles};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Machine, Role};
use sessions::{Drops, Hesitant, Login, Notes, Plan, Rig, Wire, imap, message, pop3, smtp};
use tokio::io::duplex;

const PLAN: Plan = Plan { login: Login::Password, tls: false, extra: false, lines: 12 };

/// What both sides saw, and, where nothing is encrypted, what travelled.
#[derive(Debug, PartialEq)]
struct Seen {
    server: Notes,
    client: Notes,
    wires: Option<[Vec<u8>; 2]>,
}

/// Both ends of a pipe of `little` octets.
fn rigs<S: Machine, C: Machine>(
    machines: (S, C),
    roles: (Role, Role),
    little: usize,
    drops: (Drops, Drops),
) -> (Rig<S>, Rig<C>, [Wire; 2]) {
    let (near, far) = duplex(2 * little);
    let ((near, from_server), (far, from_client)) = (Hesitant::new(near, little), Hesitant::new(far, little));
    let server = Connection::new(machines.0, posthaste_tokio::Stream::new(near), roles.0);
    let client = Connection::new(machines.1, posthaste_tokio::Stream::new(far), roles.1);
    (Rig::new(server, drops.0), Rig::new(client, drops.1), [from_server, from_client])
}

#[derive(Clone, Copy, Debug)]
enum Session {
    Smtp,
    Pop3,
    Imap,
}

/// Runs one session; what was seen, and how often each side polled.
async fn run(session: Session, plan: Plan, little: usize, drops: (Drops, Drops)) -> (Seen, (usize, usize)) {
    let alpn = match session {
        Session::Smtp => Alpn::Smtp,
        Session::Pop3 => Alpn::Pop3,
        Session::Imap => Alpn::Imap,
    };
    let roles = if plan.tls { tls_roles(alpn) } else { (plain_server(), plain_client()) };
    macro_rules! both {
        ($server:expr, $client:expr, $serve:expr, $ask:expr) => {{
            let (mut server, mut client, wires) = rigs(($server, $client), roles, little, drops);
            let (served, asked) = tokio::join!($serve(&mut server), $ask(&mut client, plan));
            served.unwrap();
            asked.unwrap();
            (server.finish(), client.finish(), wires)
        }};
    }
    let ((server, served), (client, asked), wires) = match session {
        Session::Smtp => both!(smtp::server(), smtp::client(plan), smtp::serve, smtp::submit),
        Session::Pop3 => {
            let serve = async |rig: &mut Rig<_>| pop3::serve(rig, plan).await;
            both!(pop3::server(), pop3::client(plan), serve, pop3::fetch)
        }
        Session::Imap => both!(imap::server(plan), imap::client(plan), imap::serve, imap::use_mailbox),
    };
    // What is compressed depends on when it is flushed.
    let open = !(plan.tls || plan.extra && matches!(session, Session::Imap));
    let wires = wires.map(|wire| std::mem::take(&mut *wire.lock().unwrap()));
    (Seen { server, client, wires: open.then_some(wires) }, (served, asked))
}

/// Every poll of either side is once the last of its future.
async fn at_every_poll(session: Session, plan: Plan, little: usize) {
    let (expected, (served, asked)) = run(session, plan, little, (Drops::Never, Drops::Never)).await;
    let names = expected.server.events.iter().chain(&expected.client.events);
    assert!(!names.clone().any(|name| name == "Violation" || name == "BodyAborted"), "{expected:?}");
    let whole = message(plan.lines);
    match session {
        Session::Smtp => assert!(expected.server.body == whole),
        Session::Pop3 => assert!(expected.client.body == [message(1), whole].concat()),
        Session::Imap => assert!(expected.server.body == whole && expected.client.body == whole),
    }
    assert!(served > 20 && asked > 20, "{session:?} {plan:?}: polled {served} and {asked} times");
    for at in 1..=served {
        let (seen, _) = run(session, plan, little, (Drops::At(at), Drops::Never)).await;
        assert_eq!(seen, expected, "{session:?} {plan:?}: the server's poll {at} of {served}");
    }
    for at in 1..=asked {
        let (seen, _) = run(session, plan, little, (Drops::Never, Drops::At(at))).await;
        assert_eq!(seen, expected, "{session:?} {plan:?}: the client's poll {at} of {asked}");
    }
    let (seen, _) = run(session, plan, little, (Drops::Each, Drops::Each)).await;
    assert_eq!(seen, expected, "{session:?} {plan:?}: each poll");
}

#[tokio::test(start_paused = true)]
async fn rs_05_smtp_sessions_survive_a_drop_at_every_poll() {
    for login in [Login::Initial, Login::Challenge] {
        for extra in [false, true] {
            at_every_poll(Session::Smtp, Plan { login, extra, ..PLAN }, 32).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rs_05_pop3_sessions_survive_a_drop_at_every_poll() {
    for login in [Login::Password, Login::Initial, Login::Challenge] {
        at_every_poll(Session::Pop3, Plan { login, ..PLAN }, 32).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rs_05_imap_sessions_survive_a_drop_at_every_poll() {
    for login in [Login::Password, Login::Initial, Login::Challenge] {
        at_every_poll(Session::Imap, Plan { login, ..PLAN }, 32).await;
    }
    at_every_poll(Session::Imap, Plan { extra: true, ..PLAN }, 32).await;
}

#[tokio::test(start_paused = true)]
async fn rs_05_sessions_that_start_tls_survive_a_drop_at_every_poll() {
    let plan = Plan { tls: true, ..PLAN };
    for session in [Session::Smtp, Session::Pop3, Session::Imap] {
        at_every_poll(session, plan, 512).await;
    }
    at_every_poll(Session::Imap, Plan { extra: true, ..plan }, 512).await;
}

#[tokio::test(start_paused = true)]
async fn rs_05_sessions_over_a_pipe_of_one_octet_survive_a_drop_at_each_poll() {
    for session in [Session::Smtp, Session::Pop3, Session::Imap] {
        for extra in [false, true] {
            let plan = Plan { extra, ..PLAN };
            let (expected, _) = run(session, plan, 1, (Drops::Never, Drops::Never)).await;
            let (seen, _) = run(session, plan, 1, (Drops::Each, Drops::Each)).await;
            assert_eq!(seen, expected, "{session:?} {plan:?}");
        }
    }
}
