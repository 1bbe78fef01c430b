//! The client machine of `posthaste-smtp` over a blocking socket, with what it says written down.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use posthaste_smtp::{
    Bytes, Envelope, Misuse, Security, Step, Time,
    client::{Client, Config, Event, Mode, Report, TlsPolicy},
};

/// What became of a message, and all that was said for it.
pub(crate) struct Sent {
    pub(crate) report: Report,
    pub(crate) spoken: String,
}

/// Sends one message in the clear to a port of loopback.
#[track_caller]
pub(crate) fn send(port: u16, envelope: Envelope, mut content: &[u8]) -> Sent {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let config = Config::new(Mode::Smtp, "client.test".parse().unwrap()).with_tls(TlsPolicy::Off);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    client.send(envelope).unwrap();
    client.quit();
    let (mut report, mut spoken, mut body) = (None, Vec::new(), None);
    loop {
        let step = client.poll_event().unwrap();
        let before = spoken.len();
        while let Some(bytes) = client.poll_transmit() {
            spoken.extend_from_slice(&bytes);
            stream.write_all(&bytes).unwrap();
        }
        match step {
            Step::Event(Event::Body(writer)) => body = Some(writer),
            Step::Event(Event::Sent(sent)) => report = Some(sent),
            Step::Closed => break,
            // What has left may be what the machine waited for.
            Step::NeedInput | Step::Paused if spoken.len() > before => {}
            Step::NeedInput | Step::Paused => {
                let took = body.take().map(|mut writer| {
                    let chunk = Bytes::copy_from_slice(&content[..content.len().min(10_000)]);
                    let took = match writer.write(&mut client, chunk.clone()) {
                        Ok(()) => true,
                        Err(Misuse::Congested { .. } | Misuse::Unanswered) => false,
                        Err(misuse) => panic!("{misuse}"),
                    };
                    if took {
                        content = &content[chunk.len()..];
                    }
                    if content.is_empty() {
                        writer.finish(&mut client).unwrap();
                    } else {
                        body = Some(writer);
                    }
                    took
                });
                // There may be no room for more before the server has answered.
                if took != Some(true) {
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer).unwrap() {
                        0 => client.handle_eof(Time::ZERO),
                        count => client.handle_input(Time::ZERO, &buffer[..count]),
                    }
                }
            }
            _ => {}
        }
    }
    Sent { report: report.unwrap(), spoken: String::from_utf8_lossy(&spoken).into_owned() }
}
