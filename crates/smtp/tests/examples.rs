//! The examples of this crate do what they say, against each other over sockets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "test code; the examples' own main is not run"
)]

#[path = "../examples/filter.rs"]
mod filter;
#[path = "../examples/send.rs"]
mod send;
#[path = "../examples/sink.rs"]
mod sink;

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use posthaste_smtp::client::{self, Client, TlsPolicy};
use posthaste_smtp::server::{self, Server};
use posthaste_smtp::{Envelope, Rejection, Security, Time};

/// A listener whose connections are each served by `serve`.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A mail server that knows everybody but `no@`, and tells what it was given.
fn server() -> (String, mpsc::Receiver<(usize, Vec<u8>)>) {
    let (given, messages) = mpsc::channel();
    let address = listen(move |stream| {
        let config = server::Config::new(server::Mode::Mta, "mx.test".parse().unwrap());
        let machine = Server::new(config, Security::Plain, Time::ZERO);
        let mut link = send::blocking::Link::new(machine, stream);
        let mut message = Vec::new();
        while let Ok(Some(event)) = link.next() {
            match event {
                server::Event::Mail(mail) => mail.accept(&mut link.machine).unwrap(),
                server::Event::Rcpt(rcpt) if rcpt.to().to_string().starts_with("<no@") => {
                    rcpt.reject(&mut link.machine, Rejection::no_such_user()).unwrap();
                }
                server::Event::Rcpt(rcpt) => rcpt.accept(&mut link.machine).unwrap(),
                server::Event::Data(data) => data.accept(&mut link.machine).unwrap(),
                server::Event::Body(chunk) => message.extend_from_slice(&chunk),
                server::Event::BodyEnd(end) => {
                    let recipients = end.transaction().recipients().len();
                    given.send((recipients, std::mem::take(&mut message))).unwrap();
                    end.accept(&mut link.machine).unwrap();
                }
                _ => message.clear(),
            }
        }
    });
    (address, messages)
}

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope::new("<ann@a.test>".parse().unwrap(), recipients.iter().map(|path| path.parse().unwrap()))
}

#[test]
fn send_gives_a_server_the_message_as_it_is() {
    let (address, messages) = server();
    let message = format!("Subject: hello\r\n\r\n.dot\r\n{}\r\n", "x\r\n".repeat(100_000));
    let stream = TcpStream::connect(address).unwrap();
    send::send(stream, envelope(&["<bob@b.test>", "<no@b.test>"]), message.as_bytes()).unwrap();
    assert_eq!(messages.recv().unwrap(), (1, message.into_bytes()));
}

#[test]
fn the_sink_takes_what_send_sends() {
    let address = listen(|stream| sink::serve(stream).unwrap());
    let stream = TcpStream::connect(address).unwrap();
    send::send(stream, envelope(&["<bob@b.test>"]), &b"Subject: hello\r\n\r\nHello.\r\n"[..]).unwrap();
}

/// Sends through the filter; whether each recipient was taken.
fn through_filter(filter: &str, recipients: &[&str], message: &str) -> Vec<bool> {
    let config = client::Config::new(client::Mode::Lmtp, "queue.test".parse().unwrap())
        .with_tls(TlsPolicy::Off)
        .with_chunking(client::Chunking::Never);
    let machine = Client::new(config, Security::Plain, Time::ZERO);
    let mut link = send::Link::new(machine, TcpStream::connect(filter).unwrap());
    link.machine.send(envelope(recipients)).unwrap();
    link.machine.quit();
    let mut taken = Vec::new();
    while let Some(event) = link.next().unwrap() {
        match event {
            client::Event::Body(writer) => send::write(&mut link, writer, message.as_bytes()).unwrap(),
            client::Event::Sent(report) => taken = report.recipients.iter().map(Result::is_ok).collect(),
            _ => {}
        }
    }
    taken
}

#[test]
fn the_filter_passes_each_answer_on_and_stops_what_is_forbidden() {
    let (address, messages) = server();
    let filter = listen(move |stream| filter::serve(stream, &address).unwrap());
    let clean = format!("Subject: clean\r\n\r\n{}", "a line of text\r\n".repeat(50_000));
    assert_eq!(through_filter(&filter, &["<bob@b.test>", "<no@b.test>"], &clean), [true, false]);
    assert_eq!(messages.recv().unwrap(), (1, clean.clone().into_bytes()));
    let forbidden = format!("{clean}X-Filter-Test: refuse\r\n{clean}");
    assert_eq!(through_filter(&filter, &["<bob@b.test>"], &forbidden), [false]);
    assert_eq!(through_filter(&filter, &["<no@b.test>"], &clean), [false]);
    assert!(messages.try_recv().is_err(), "nothing of a refused message reaches the server");
}
