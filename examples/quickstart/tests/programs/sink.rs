//! The sink: who may reach it, how much it holds, and what other sessions see.

use posthaste_imap::types::Flags;
use posthaste_quickstart::sink::{Options, Sink};

use crate::support::{Done, Program, SEND_MAIL, SINK, date};

#[tokio::test]
async fn it_is_for_this_machine_only() {
    let done = Program::new(SINK).run(["0.0.0.0:0", "127.0.0.1:0", "127.0.0.1:0"]).await;
    assert!(!done.is_ok && done.err.contains("others could reach it"), "{done:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let sink = Sink::start(&Options { octets_max: 4 * 1024, ..Options::default() }).await.unwrap();
    let send = |octets: usize| {
        let url = format!("smtp://localhost:{}", sink.smtp.port());
        let message = format!("Subject: x\r\n\r\n{}", "xxxxxxxx\r\n".repeat(octets / 10));
        async move { Program::new(SEND_MAIL).feed(&message, [&url, "-", "a@b.example", "c@d.example"]).await }
    };
    let Done { is_ok, out, .. } = send(2000).await;
    assert!(is_ok, "{out}");
    let Done { is_ok, out, .. } = send(2000).await;
    assert!(!is_ok && out.contains("refused, ") && out.contains("452"), "{out}");
    // Empty messages are counted as well.
    let empty = || sink.add("", Flags::new(), date(0));
    assert!(empty().is_ok() && empty().is_err());
    assert_eq!(sink.messages().len(), 2);
    sink.stop().await;
}
