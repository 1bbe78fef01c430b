//! Postfix, both ways: it takes what the SMTP client sends, and delivers to the reference server and to Dovecot.
//!
//! Its package cannot be installed beside that of Exim, so that it is also found unpacked, in the directory that
//! `POSTHASTE_POSTFIX` names. Each test has a Postfix of its own, with configuration, queue and certificate; nothing
//! of the system's is read. It wants root and is skipped without, like Exim.

use std::{
    env,
    fs::{self, Permissions},
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use posthaste_imap::client::Event;
use posthaste_smtp::{BodyType, Envelope, EnvelopeId, Keyword, Notify, OriginalRecipient, Recipient, Ret};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Cause, ClientOptions, Credentials, Endpoint, Protocol, Retry, TlsMode, smtp};
use tempfile::TempDir;

use crate::{
    dovecot::{self, Dovecot, Session, is_root},
    identity::{ADDRESS, Identity},
    program, python, server,
    server::{HOST, Server},
};

/// Accounts and groups that every Debian has. The package makes its own, but is not installed.
const OWNER: &str = "mail";
const GROUP: &str = "games";

/// How long Postfix may take until it listens, to deliver, and to end.
const START_MAX: Duration = Duration::from_secs(60);
const DELIVERY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(10);
const ATTEMPTS: usize = 4;

/// A running Postfix, ended with the value.
struct Postfix {
    /// Where `usr/` is.
    root: PathBuf,
    folder: TempDir,
    identity: Identity,
    port: u16,
    settings: String,
    child: Option<Child>,
}

/// The directory below which Postfix is, if its tests can run.
#[track_caller]
fn find() -> Option<PathBuf> {
    let root = match env::var_os("POSTHASTE_POSTFIX") {
        Some(root) => PathBuf::from(root),
        None => program::find("postfix").map(|_| PathBuf::from("/"))?,
    };
    assert!(root.join(MASTER).is_file(), "there is no {MASTER} in {}", root.display());
    if !is_root() {
        println!("skipped: postfix needs root");
        return None;
    }
    Some(root)
}

impl Postfix {
    /// Starts one that sends all mail to `next`, with `settings` of main.cf besides.
    #[track_caller]
    fn start(root: PathBuf, next: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let identity = Identity::make(folder.path());
        // The last of equal settings would count, with a warning.
        let relay = if settings.contains("smtpd_relay_restrictions") { "" } else { OPEN };
        let settings = format!("default_transport = {next}\n{relay}{settings}");
        let mut postfix = Self { root, folder, identity, port: 0, settings, child: None };
        postfix.make_queue();
        for _ in 0..ATTEMPTS {
            [postfix.port] = server::free_ports();
            if postfix.launch() {
                return postfix;
            }
        }
        panic!("postfix ended {ATTEMPTS} times before it listened\n{}", postfix.log());
    }

    /// What `postfix start` would make.
    fn make_queue(&self) {
        let queue = self.folder.path().join("queue");
        let private = [
            "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
            "saved", "trace",
        ];
        let mut owned = vec![self.folder.path().join("data")];
        owned.extend(private.iter().map(|name| queue.join(name)));
        for folder in &owned {
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
        }
        for (name, mode) in [("public", 0o710), ("maildrop", 0o730), ("pid", 0o755)] {
            fs::create_dir_all(queue.join(name)).unwrap();
            fs::set_permissions(queue.join(name), Permissions::from_mode(mode)).unwrap();
        }
        let shared = [queue.join("public"), queue.join("maildrop")];
        let chown = |owner: &str, folders: &[PathBuf]| {
            let arguments = [owner.into()].into_iter().chain(folders.iter().map(PathBuf::from));
            program::run(Path::new("/bin/chown"), arguments, b"").success();
        };
        chown(OWNER, &owned);
        chown(&format!("{OWNER}:{GROUP}"), &shared);
    }

    /// Whether Postfix has come to listen; not when it has ended.
    fn launch(&mut self) -> bool {
        let folder = self.folder.path();
        let libraries = self.root.join("usr/lib/postfix");
        let (shown, root, port, settings) =
            (folder.display(), self.root.display(), self.port, &self.settings);
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {shown}/queue\n\
             data_directory = {shown}/data\n\
             meta_directory = {shown}\n\
             daemon_directory = {root}/usr/lib/postfix/sbin\n\
             command_directory = {root}/usr/sbin\n\
             shlib_directory = {}\n\
             import_environment = LD_LIBRARY_PATH MAIL_CONFIG\n\
             export_environment = LD_LIBRARY_PATH MAIL_CONFIG\n\
             mail_owner = {OWNER}\n\
             setgid_group = {GROUP}\n\
             default_privs = nobody\n\
             maillog_file = {shown}/log\n\
             maillog_file_prefixes = {shown}\n\
             myhostname = postfix.test\n\
             mydestination =\n\
             inet_interfaces = {ADDRESS}\n\
             inet_protocols = ipv4\n\
             mynetworks = {ADDRESS}/32\n\
             smtpd_peername_lookup = no\n\
             smtpd_tls_security_level = may\n\
             smtpd_tls_chain_files = {shown}/key, {shown}/certificate\n\
             smtp_dns_support_level = disabled\n\
             lmtp_dns_support_level = disabled\n\
             smtp_connection_cache_on_demand = no\n\
             lmtp_connection_cache_on_demand = no\n\
             alias_maps =\n\
             alias_database =\n\
             {settings}\n",
            libraries.display(),
        );
        fs::write(folder.join("main.cf"), main).unwrap();
        fs::write(folder.join("master.cf"), format!("{ADDRESS}:{port} inet n - n - - smtpd\n{SERVICES}"))
            .unwrap();
        let child = Command::new(self.root.join(MASTER))
            .args(["-d", "-c"])
            .arg(folder)
            .env("MAIL_CONFIG", folder)
            .env("LD_LIBRARY_PATH", &libraries)
            // It ends its children by the group, which it does not lead otherwise with -d.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = self.child.insert(child);
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect((ADDRESS, port)).is_err() {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "postfix does not listen at {port}");
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log says so many times that a message has left the queue, and gives the log.
    #[track_caller]
    fn settled(&self, messages: usize) -> String {
        let deadline = Instant::now() + DELIVERY_MAX;
        loop {
            let log = self.log();
            if log.matches(": removed").count() >= messages {
                return log;
            }
            assert!(Instant::now() < deadline, "the queue is not empty");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A session with it, behind STARTTLS, logged in where there are credentials.
    async fn client(&self, credentials: Option<Credentials>) -> smtp::Client {
        let mut options =
            ClientOptions::default().with_client_config(self.identity.client_config(Alpn::Smtp));
        options.credentials = credentials;
        let endpoint = Endpoint::new(Protocol::Submission, ADDRESS).unwrap();
        let endpoint = endpoint.with_tls(TlsMode::StartTls).with_port(self.port);
        smtp::Client::connect(&endpoint, "client.test".parse().unwrap(), &options).await.unwrap()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Asked to, it ends its children too.
            program::terminate(&mut child, STOP_MAX);
        }
        if thread::panicking() {
            eprintln!("--- postfix's log:\n{}", self.log());
        }
    }
}

/// A message with all fields that Postfix adds where they are missing, and with dots where they hurt.
fn message(subject: &str, octets: usize) -> String {
    let mut text = format!(
        "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: {subject}\r\n\
         Date: Sat, 3 Oct 2026 10:00:00 +0200\r\nMessage-ID: <sent@example.test>\r\n\r\n"
    );
    while text.len() < octets {
        text.push_str("an ordinary line\r\n.\r\n..two dots\r\n\r\nGr\u{fc}\u{df}e\r\n");
    }
    text
}

/// Waits until so many messages are in the INBOX, and gives the newest.
async fn newest(session: &mut Session, count: u32) -> String {
    session.run("SELECT INBOX").await;
    if session.machine().mailbox().unwrap().exists < count {
        let mut idle = session.idle().await;
        while !matches!(idle.next().await, Event::Exists(exists) if exists >= count) {}
        idle.done().await;
    }
    let uids = session.numbers("UID SEARCH ALL").await;
    let newest = uids.last().copied().unwrap().try_into().unwrap();
    String::from_utf8(session.message(newest).await).unwrap()
}

#[test]
fn postfix_takes_what_a_user_submits_and_reports_its_delivery() {
    let Some(root) = find() else { return };
    let Some(dovecot) = Dovecot::start() else { return };
    let next = format!("lmtp:inet:{ADDRESS}:{}", dovecot.ports().lmtp);
    let settings = format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n\
         smtpd_tls_auth_only = yes\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
         smtpd_sasl_security_options = noanonymous\n",
        dovecot.auth_socket().display()
    );
    let postfix = Postfix::start(root, &next, &settings);
    dovecot::run(async {
        let credentials = Credentials::new(dovecot::ALICE, dovecot::PASSWORD);
        let mut client = postfix.client(Some(credentials)).await;
        let offered = client.capabilities();
        for keyword in
            [Keyword::Pipelining, Keyword::Chunking, Keyword::EightBitMime, Keyword::SmtpUtf8, Keyword::Dsn]
        {
            assert!(offered.has(keyword), "{keyword:?}: {offered:?}");
        }
        let mut bob: Recipient = format!("<{}>", dovecot::BOB).parse().unwrap();
        bob.parameters.notify = Some(Notify::SUCCESS.or(Notify::FAILURE));
        bob.parameters.original = OriginalRecipient::new("rfc822", "old=bob@b.test").ok();
        let message = message("submitted", 700_000);
        let mut envelope = Envelope::new(format!("<{}>", dovecot::ALICE).parse().unwrap(), [bob])
            .with_size(message.len() as u64)
            .with_body(BodyType::EightBitMime);
        envelope.ret = Some(Ret::Hdrs);
        envelope.envelope_id = EnvelopeId::new("id+1").ok();
        let report = client.send(envelope, message.clone()).await.unwrap();
        assert!(report.is_complete() && report.left_out.is_empty(), "{report:?}");
        // The same session again, for somebody whom Dovecot does not know.
        let stranger = Envelope::new(
            format!("<{}>", dovecot::ALICE).parse().unwrap(),
            ["<stranger@example.test>".parse().unwrap()],
        );
        assert!(client.send(stranger, self::message("returned", 0)).await.unwrap().is_complete());
        // And with a header in UTF-8, which Dovecot does not take.
        let mut international = Envelope::new(
            format!("<{}>", dovecot::ALICE).parse().unwrap(),
            [format!("<{}>", dovecot::BOB).parse().unwrap()],
        );
        international.smtp_utf8 = true;
        assert!(client.send(international, self::message("Gr\u{fc}\u{df}e", 0)).await.unwrap().is_complete());
        client.quit().await.unwrap();

        let mut session = dovecot.session(dovecot::BOB).await;
        let read = newest(&mut session, 1).await;
        assert!(read.ends_with(&message), "{:?}", read.get(..500));
        let mut session = dovecot.session(dovecot::ALICE).await;
        newest(&mut session, 2).await;
        let mut reports = Vec::new();
        for uid in 1..=2 {
            let octets = session.message(uid.try_into().unwrap()).await;
            reports.push(String::from_utf8_lossy(&octets).into_owned());
        }
        let of = |mark: &str| {
            reports
                .iter()
                .find(|report| report.contains(mark))
                .unwrap_or_else(|| panic!("{mark}: {reports:#?}"))
        };
        // Dovecot knows no DSN: it is the last that could report.
        let delivered = of("Action: relayed");
        assert!(delivered.contains("Original-Envelope-Id: id+1\r\n"), "{delivered}");
        assert!(delivered.contains("Original-Recipient: rfc822;old=bob@b.test\r\n"), "{delivered}");
        assert!(
            delivered.contains("Subject: submitted") && !delivered.contains("an ordinary line"),
            "{delivered}"
        );
        assert!(of("Final-Recipient: rfc822; stranger@example.test").contains("Action: failed"));
    });
    // Three messages, and what is returned of each.
    let log = postfix.settled(6);
    assert!(log.contains("status=bounced (SMTPUTF8 is required"), "{log}");
}

#[test]
fn postfix_delivers_by_smtp_and_lmtp_what_it_was_sent() {
    let Some(root) = find() else { return };
    if program::find("python3").is_none() {
        return;
    }
    let server = Server::start();
    let message = message("relayed", 300_000);
    let secured = format!(
        "smtp_tls_security_level = secure\nsmtp_tls_CAfile = {}\nsmtp_tls_secure_cert_match = {HOST}\n",
        server.certificate().display()
    );
    for (listener, settings, protocol) in [("smtp", &*secured, "postfix/smtp"), ("lmtp", "", "postfix/lmtp")]
    {
        let next = format!("{listener}:[{ADDRESS}]:{}", server.port(listener));
        let next = if listener == "lmtp" {
            next.replace(['[', ']'], "").replacen("lmtp:", "lmtp:inet:", 1)
        } else {
            next
        };
        let postfix = Postfix::start(root.clone(), &next, settings);
        dovecot::run(async {
            let mut client = postfix.client(None).await;
            let recipients = [server::ALICE, server::BOB].map(|name| format!("<{name}>").parse().unwrap());
            let envelope = Envelope::new("<joerg@remote.test>".parse().unwrap(), recipients)
                .with_body(BodyType::EightBitMime);
            let report = client.send(envelope, message.clone()).await.unwrap();
            assert!(report.is_complete(), "{report:?}");
            client.quit().await.unwrap();
        });
        let log = postfix.settled(1);
        assert_eq!(
            log.lines().filter(|line| line.contains(protocol) && line.contains("status=sent")).count(),
            2,
            "{log}"
        );
    }
    for account in [server::ALICE, server::BOB] {
        let inbox = python::messages(&server, account);
        assert_eq!(inbox.len(), 2);
        for read in inbox {
            assert!(read.starts_with("Return-Path: <joerg@remote.test>\r\n"), "{:?}", read.get(..200));
            assert!(read.ends_with(&message), "{:?}", read.get(..1000));
        }
    }
}

#[test]
fn postfix_and_we_see_the_same_one_message_in_what_looks_like_two() {
    let Some(root) = find() else { return };
    if program::find("python3").is_none() {
        return;
    }
    let server = Server::start();
    let next = format!("smtp:[{ADDRESS}]:{}", server.port("smtp"));
    let postfix = Postfix::start(
        root,
        &next,
        "smtpd_forbid_bare_newline = normalize\nsmtpd_forbid_bare_newline_exclusions =\n",
    );
    let smuggled = |end: &str| {
        format!(
            "Subject: outer\r\n\r\nbefore{end}MAIL FROM:<evil@remote.test>\r\nRCPT TO:<{}>\r\nDATA\r\n\
             Subject: inner\r\n\r\n",
            server::BOB
        )
    };
    let ends = ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n"];
    // Our client says nothing of it.
    dovecot::run(async {
        for end in ends {
            let mut client = postfix.client(None).await;
            let envelope = Envelope::new(
                "<ann@remote.test>".parse().unwrap(),
                [format!("<{}>", server::ALICE).parse().unwrap()],
            );
            let error = client.send(envelope, smuggled(end)).await.unwrap_err();
            assert!(matches!(error.cause(), Cause::Source(_)), "{end:?}: {error}");
            assert_eq!(error.retry(), Retry::Never);
        }
    });
    assert!(!postfix.log().contains("status="), "{}", postfix.log());
    // Another one does, and Postfix passes on what it makes of it.
    for end in ends {
        let mut stream = TcpStream::connect((ADDRESS, postfix.port)).unwrap();
        stream.set_read_timeout(Some(DELIVERY_MAX)).unwrap();
        let mut said = Vec::new();
        for (line, wanted) in [
            (String::new(), "220"),
            ("EHLO client.test\r\n".into(), "250 "),
            ("MAIL FROM:<ann@remote.test>\r\n".into(), "250 "),
            (format!("RCPT TO:<{}>\r\n", server::ALICE), "250 "),
            ("DATA\r\n".into(), "354"),
            (smuggled(end) + "\r\n.\r\n", "250 "),
        ] {
            stream.write_all(line.as_bytes()).unwrap();
            said.clear();
            while !String::from_utf8_lossy(&said).lines().any(|line| line.starts_with(wanted)) {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap();
                assert!(count > 0, "{end:?}: {line:?}: {}", String::from_utf8_lossy(&said));
                said.extend_from_slice(&buffer[..count]);
            }
        }
    }
    let log = postfix.settled(ends.len());
    let inbox = python::messages(&server, server::ALICE);
    assert_eq!(inbox.len(), ends.len(), "{log}");
    for message in inbox {
        let (header, body) = message.split_once("\r\n\r\n").unwrap();
        assert!(header.starts_with("Return-Path: <ann@remote.test>\r\n"), "{message:?}");
        assert!(
            header.contains("Subject: outer") && body.contains("MAIL FROM:<evil@remote.test>"),
            "{message:?}"
        );
    }
    assert_eq!(python::messages(&server, server::BOB), Vec::<String>::new(), "{log}");
}

/// Relays for everybody here.
const OPEN: &str = "smtpd_relay_restrictions = permit_mynetworks, reject\n";

const MASTER: &str = "usr/lib/postfix/sbin/master";

/// All that is needed to receive, keep, deliver and return mail, and nothing in a root of its own.
const SERVICES: &str = "cleanup unix n - n - 0 cleanup\n\
    qmgr unix n - n 1 1 qmgr\n\
    tlsmgr unix - - n 1000? 1 tlsmgr\n\
    rewrite unix - - n - - trivial-rewrite\n\
    bounce unix - - n - 0 bounce\n\
    defer unix - - n - 0 bounce\n\
    trace unix - - n - 0 bounce\n\
    flush unix n - n 1000? 0 flush\n\
    proxymap unix - - n - - proxymap\n\
    anvil unix - - n - 1 anvil\n\
    smtp unix - - n - - smtp\n\
    lmtp unix - - n - - lmtp\n\
    error unix - - n - - error\n\
    retry unix - - n - - error\n\
    postlog unix-dgram n - n - 1 postlogd\n";
