//! Exim, both ways: it delivers to the reference server by BDAT, and it takes what the client machine sends.
//!
//! Exim changes its user for deliveries, so these tests need root; without it they are skipped like those of a
//! program that is not installed.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use posthaste_smtp::{Envelope, EnvelopeId, Notify, OriginalRecipient, Recipient, Ret};

use crate::{
    program, python,
    sender::{self, Sent},
    server::{ALICE, BOB, Server},
};

/// The user of Debian's package.
const USER: &str = "Debian-exim";

/// Where to find Exim, if its tests can run.
fn find() -> Option<PathBuf> {
    let exim = program::find("exim4")?;
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        println!("skipped: exim4 needs root");
    }
    root.then_some(exim)
}

/// An Exim with a configuration and a spool of its own, and perhaps a daemon. All mail goes to `route`.
struct Exim {
    program: PathBuf,
    folder: PathBuf,
    daemon: Option<Child>,
}

impl Exim {
    fn new(program: PathBuf, route: u16, transport: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("posthaste-exim-{}-{number}", process::id()));
        fs::create_dir_all(folder.join("spool")).unwrap();
        let spool = folder.join("spool").display().to_string();
        program::run(Path::new("/bin/chown"), [USER, &spool], b"").success();
        let exim = Self { program, folder, daemon: None };
        let config = format!(
            "primary_hostname = exim.test\n\
             spool_directory = {spool}\n\
             log_file_path = {spool}/%slog\n\
             exim_user = {USER}\n\
             exim_group = {USER}\n\
             host_lookup =\n\
             rfc1413_hosts =\n\
             tls_advertise_hosts =\n\
             keep_environment =\n\
             dsn_advertise_hosts = *\n\
             acl_smtp_rcpt = accept\n\
             acl_smtp_data = accept\n\
             begin acl\n\
             begin routers\n\
             all:\n  driver = manualroute\n  route_list = * 127.0.0.1::{route} byname\n  self = send\n  transport = remote\n\
             begin transports\n\
             remote:\n  driver = smtp\n  allow_localhost\n  {transport}\n"
        );
        fs::write(exim.config(), config).unwrap();
        exim
    }

    fn config(&self) -> PathBuf {
        self.folder.join("exim.conf")
    }

    fn exim(&self, arguments: &[&str], input: &[u8]) -> program::Output {
        let config = self.config().display().to_string();
        program::run(&self.program, [&["-C", &config], arguments].concat(), input)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("spool/mainlog")).unwrap_or_default()
    }

    /// Starts to listen. What comes in stays in the queue.
    #[track_caller]
    fn listen(&mut self) -> u16 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let daemon = Command::new(&self.program)
            .args(["-C", &self.config().display().to_string(), "-odq", "-bdf"])
            .args(["-oX", &format!("127.0.0.1.{port}"), "-oP"])
            .arg(self.folder.join("spool/pid"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "exim does not listen: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        port
    }

    /// The one message in the queue: its envelope and header as Exim keeps them, and its body.
    #[track_caller]
    fn queued(&self) -> (String, String) {
        let input = self.folder.join("spool/input");
        let names = fs::read_dir(&input).unwrap().map(|entry| entry.unwrap().file_name());
        let mut ids: Vec<String> = names
            .filter_map(|name| name.to_str().and_then(|name| name.strip_suffix("-H")).map(str::to_owned))
            .collect();
        let id = ids.pop().unwrap_or_else(|| panic!("nothing is queued: {}", self.log()));
        assert!(ids.is_empty(), "more than one message is queued: {}", self.log());
        let kept = |suffix: &str| {
            String::from_utf8(fs::read(input.join(format!("{id}-{suffix}"))).unwrap()).unwrap()
        };
        // The body is kept behind a line with the name of the file, with bare LF for line ends.
        let data = kept("D");
        let body = data.split_once('\n').unwrap().1.to_owned();
        (kept("H"), body)
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A text with what is hard about texts: dots, long lines, no line end at its end where `open` says so.
fn body(octets: usize) -> String {
    let lines = ["an ordinary line\r\n", ".\r\n", "..two dots\r\n", "\r\n", "the last line of four\r\n"];
    lines
        .iter()
        .cycle()
        .scan(0, |length, line| {
            *length += line.len();
            (*length < octets).then_some(*line)
        })
        .collect()
}

#[test]
fn exim_delivers_by_bdat_and_by_data() {
    let Some(program) = find() else { return };
    if program::find("python3").is_none() {
        return;
    }
    let server = Server::start();
    for (transport, mark) in [("hosts_try_chunking = *", true), ("hosts_try_chunking =", false)] {
        let exim = Exim::new(program.clone(), server.port("smtp"), transport);
        let message = format!("Subject: by exim, BDAT {mark}\r\n\r\n{}", body(300_000)).replace("\r\n", "\n");
        exim.exim(&["-odi", "-i", "-f", "sender@remote.test", ALICE, BOB], message.as_bytes()).success();
        let log = exim.log();
        assert_eq!(log.matches(" => ").count() + log.matches(" -> ").count(), 2, "{log}");
        // Exim notes a delivery by BDAT with a K.
        assert_eq!(log.contains(" K "), mark, "{log}");
    }
    for account in [ALICE, BOB] {
        let inbox = python::messages(&server, account);
        assert_eq!(inbox.len(), 2);
        for message in inbox {
            let (_, content) = message.split_once("\r\n\r\n").unwrap();
            assert_eq!(content, body(300_000));
        }
    }
}

#[test]
fn exim_takes_what_the_client_sends_with_all_that_it_offers() {
    let Some(program) = find() else { return };
    let mut exim = Exim::new(program, 9, "");
    let port = exim.listen();
    let mut bob: Recipient = "<bob+tag@b.test>".parse().unwrap();
    bob.parameters.notify = Some(Notify::SUCCESS.or(Notify::DELAY));
    bob.parameters.original = OriginalRecipient::new("rfc822", "old=bob@b.test").ok();
    let utf8: Recipient = "<d\u{f6}rte@b.test>".parse().unwrap();
    let text = format!("Subject: to exim\r\n\r\n{}", body(700_000));
    let mut envelope =
        Envelope::new("<ann@a.test>".parse().unwrap(), [bob, utf8]).with_size(text.len() as u64);
    envelope.ret = Some(Ret::Hdrs);
    envelope.envelope_id = EnvelopeId::new("id+1").ok();
    let Sent { report, spoken } = sender::send(port, envelope, text.as_bytes());
    assert!(report.is_complete(), "{report:?}");
    assert!(spoken.contains("SMTPUTF8") && spoken.contains("ENVID=id+2B1"), "{spoken}");
    assert!(spoken.contains("BDAT "), "{spoken}");
    let (kept, content) = exim.queued();
    assert_eq!(content, body(700_000).replace("\r\n", "\n"));
    assert!(
        kept.contains("<ann@a.test>")
            && kept.contains("bob+tag@b.test")
            && kept.contains("d\u{f6}rte@b.test")
    );
    assert!(kept.contains("-dsn_envid id+2B1"), "{kept}");
    assert!(kept.contains("-dsn_ret 2"), "{kept}");
}
