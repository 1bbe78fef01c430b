//! Dovecot, with the clients of this workspace at the other end: what they read is what Dovecot stores.
//!
//! Each test has a Dovecot of its own, with throw-away configuration, certificate and mailboxes, on free ports of
//! loopback. It runs as root, where Dovecot gives its rights away, and as anybody, where it has none. Nothing of the
//! system's configuration is read.

mod clients;
mod differences;
mod imap;
mod lmtp;
mod messages;
mod pop3;
mod resync;
mod search;
mod session;

use std::{
    fs::{self, Permissions},
    future::Future,
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, TlsMode};
use tempfile::TempDir;

use crate::{
    identity::{ADDRESS, Identity},
    program, server,
};

pub(crate) use session::Session;

pub(crate) const ALICE: &str = "alice@example.test";
pub(crate) const BOB: &str = "bob@example.test";
pub(crate) const PASSWORD: &str = "Correct horse, 4 stable";

/// How long Dovecot may take until it listens, and to end.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long a test may take for all it does.
const TEST_MAX: Duration = Duration::from_secs(240);
/// A port that was free may be taken by somebody else before Dovecot has it.
const ATTEMPTS: usize = 4;

/// A running Dovecot, ended with the value.
pub(crate) struct Dovecot {
    folder: TempDir,
    ports: Ports,
    identity: Identity,
    child: Option<Child>,
}

/// Where it listens.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) imap: u16,
    pub(crate) imaps: u16,
    pub(crate) pop3: u16,
    pub(crate) pop3s: u16,
    pub(crate) lmtp: u16,
}

impl Dovecot {
    /// `None` when Dovecot is not installed.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        let program = program::find("dovecot")?;
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::make(folder.path());
        let (owner, group) = if is_root() { (NOBODY, NOBODY) } else { own_ids() };
        let user = |name| {
            let home = folder.path().join("mail").join(name);
            format!("{name}:{{PLAIN}}{PASSWORD}:{owner}:{group}::{}::\n", home.display())
        };
        fs::write(folder.path().join("users"), user(ALICE) + &user(BOB)).unwrap();
        let mail = folder.path().join("mail");
        fs::create_dir(&mail).unwrap();
        if is_root() {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&mail, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut dovecot = Self { folder, ports: Ports::free(), identity, child: None };
        for _ in 0..ATTEMPTS {
            if dovecot.launch(&program) {
                return Some(dovecot);
            }
            dovecot.ports = Ports::free();
        }
        panic!("dovecot ended {ATTEMPTS} times before it listened\n{}", dovecot.log());
    }

    pub(crate) const fn ports(&self) -> Ports {
        self.ports
    }

    /// The socket at which it judges logins for other servers.
    pub(crate) fn auth_socket(&self) -> PathBuf {
        self.file("auth")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a client needs to trust this Dovecot and to log in as `user`.
    /// One of its services.
    pub(crate) fn endpoint(protocol: Protocol, tls: TlsMode, port: u16) -> Endpoint {
        Endpoint::new(protocol, ADDRESS).unwrap().with_tls(tls).with_port(port)
    }

    /// Options of a client that trusts it and is `user`.
    pub(crate) fn options(&self, user: &str, alpn: Alpn) -> ClientOptions {
        ClientOptions::default()
            .with_client_config(self.identity.client_config(alpn))
            .with_credentials(Credentials::new(user, PASSWORD))
    }

    /// An IMAP session of `user`.
    pub(crate) async fn session(&self, user: &str) -> Session {
        Session::open(self, user, TlsMode::Implicit).await
    }

    /// Alice's session, in whose INBOX there are so many messages now: `Subject: 1` and so on.
    pub(crate) async fn filled(&self, messages: u32) -> Session {
        let mut session = self.session(ALICE).await;
        for number in 1..=messages {
            session.append("INBOX", format!("Subject: {number}\r\n\r\n").as_bytes()).await;
        }
        session
    }

    /// What Dovecot wrote into its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Whether Dovecot has come to listen; not when it has ended.
    fn launch(&mut self, program: &Path) -> bool {
        let config = self.file("dovecot.conf");
        fs::write(&config, self.configuration()).unwrap();
        let child = Command::new(program)
            .args(["-F", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = self.child.insert(child);
        let Ports { imap, imaps, pop3, pop3s, lmtp } = self.ports;
        let deadline = Instant::now() + START_MAX;
        for port in [imap, imaps, pop3, pop3s, lmtp] {
            while TcpStream::connect((ADDRESS, port)).is_err() {
                if child.try_wait().unwrap().is_some() {
                    return false;
                }
                assert!(Instant::now() < deadline, "dovecot does not listen at {port}");
                thread::sleep(Duration::from_millis(20));
            }
        }
        true
    }

    fn configuration(&self) -> String {
        let Ports { imap, imaps, pop3, pop3s, lmtp } = self.ports;
        let folder = self.folder.path().display();
        // Without root there is nobody to become and nothing to be locked into.
        let rights = if is_root() {
            String::new()
        } else {
            let (owner, group) = (name("-un"), name("-gn"));
            format!(
                "default_internal_user = {owner}\ndefault_internal_group = {group}\ndefault_login_user = {owner}\n\
                 service anvil {{\n  chroot =\n}}\nservice imap-login {{\n  chroot =\n}}\n\
                 service pop3-login {{\n  chroot =\n}}\n"
            )
        };
        format!(
            "base_dir = {folder}/run\n\
             state_dir = {folder}/state\n\
             log_path = {folder}/log\n\
             listen = {ADDRESS}\n\
             protocols = imap pop3 lmtp\n\
             ssl = yes\n\
             ssl_cert = <{folder}/certificate\n\
             ssl_key = <{folder}/key\n\
             disable_plaintext_auth = yes\n\
             auth_mechanisms = plain login scram-sha-1 scram-sha-256\n\
             passdb {{\n  driver = passwd-file\n  args = username_format=%u {folder}/users\n}}\n\
             userdb {{\n  driver = passwd-file\n  args = username_format=%u {folder}/users\n}}\n\
             first_valid_uid = 1\n\
             first_valid_gid = 1\n\
             mail_location = sdbox:~/box\n\
             mail_attribute_dict = file:%h/attributes\n\
             mail_max_userip_connections = 100\n\
             mail_plugins = quota\n\
             namespace inbox {{\n  inbox = yes\n  separator = /\n  \
             mailbox Sent {{\n    auto = subscribe\n    special_use = \\Sent\n  }}\n  \
             mailbox Trash {{\n    auto = create\n    special_use = \\Trash\n  }}\n}}\n\
             plugin {{\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_rule = *:storage=100M\n}}\n\
             protocol imap {{\n  mail_plugins = quota imap_quota imap_zlib\n  imap_metadata = yes\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  \
             inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n\
             service pop3-login {{\n  inet_listener pop3 {{\n    port = {pop3}\n  }}\n  \
             inet_listener pop3s {{\n    port = {pop3s}\n    ssl = yes\n  }}\n}}\n\
             service auth {{\n  unix_listener {folder}/auth {{\n    mode = 0666\n  }}\n}}\n\
             service lmtp {{\n  inet_listener lmtp {{\n    port = {lmtp}\n  }}\n}}\n\
             {rights}"
        )
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- dovecot's log:\n{}", self.log());
        }
        let Some(mut child) = self.child.take() else { return };
        // Asked to, it ends its children too.
        program::terminate(&mut child, STOP_MAX);
    }
}

impl Ports {
    fn free() -> Self {
        let [imap, imaps, pop3, pop3s, lmtp] = server::free_ports();
        Self { imap, imaps, pop3, pop3s, lmtp }
    }
}

/// Runs a test, within its time.
#[track_caller]
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(TEST_MAX, test).await }).expect("the test takes too long")
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    own_ids().0 == 0
}

/// The user and the group of this process.
fn own_ids() -> (u32, u32) {
    let process = fs::metadata("/proc/self").unwrap();
    (process.uid(), process.gid())
}

/// The name of the user or the group of this process.
fn name(which: &str) -> String {
    program::run(Path::new("/usr/bin/id"), [which], b"").text().trim().to_owned()
}

/// The user and the group that Debian's `nobody` and `nogroup` are, which own the mail where root runs the test.
const NOBODY: u32 = 65534;
