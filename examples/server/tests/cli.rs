//! The commands, as the administrator runs them: on a data directory that no server uses, and beside a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Admin(TempDir);

/// A server that ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Admin {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = "hostname = \"mail.x.test\"\ndata = \"data\"\n[listen]\nimap = [\"127.0.0.1:0\"]\n\
                      [passwords]\nscram_iterations = 4096\n";
        std::fs::write(directory.path().join("posthaste.toml"), config).unwrap();
        Self(directory)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthaste"));
        command.args(arguments).arg("--config").arg(self.0.path().join("posthaste.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit status, standard output, standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut child = self.command(arguments).spawn().unwrap();
        // A command that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn done(&self, arguments: &[&str], input: &str) -> String {
        let (status, out, err) = self.run(arguments, input);
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.done(&[arguments, &["--json"]].concat(), "");
        serde_json::from_str(&out).unwrap()
    }

    fn refused(&self, arguments: &[&str], input: &str, why: &str) {
        let (status, out, err) = self.run(arguments, input);
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
    }

    /// The server, once its ports are open.
    fn serve(&self) -> Server {
        let mut child = self.command(&["serve"]).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready imap="), "{line}");
        Server(child)
    }

    fn names(&self, what: &[&str], field: &str) -> Vec<String> {
        let all = self.json(what);
        all.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    }
}

fn domains(admin: &Admin) {
    admin.done(&["domain", "add", "X.test"], "");
    admin.done(&["domain", "add", "a.test"], "");
    assert_eq!(admin.names(&["domain", "list"], "name"), ["a.test", "x.test"]);
    assert!(admin.done(&["domain", "list"], "").starts_with("DOMAIN"));
    admin.refused(&["domain", "add", "x.TEST."], "", "exists already");
    admin.refused(&["domain", "add", "b\u{fc}.test"], "", "xn--");
    admin.refused(&["domain", "remove", "b.test"], "", "b.test");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "p\n");
    admin.done(
        &["domain", "set", "x.test", "--accounts", "1", "--alias", "y.test", "--catch-all", "u@x.test"],
        "",
    );
    admin.done(&["domain", "set", "x.test", "--plus", "none"], "");
    admin.done(&["domain", "set", "x.test", "--services", "imap,smtp"], "");
    assert_eq!(admin.json(&["domain", "show", "x.test"])["services"], json!(["smtp", "imap"]));
    admin.done(&["domain", "set", "x.test", "--services", "all"], "");
    assert_eq!(admin.json(&["domain", "show", "x.test"])["services"], Value::Null);
    for on in [true, false] {
        admin.done(&["domain", "set", "x.test", "--greylisting", &on.to_string()], "");
        assert_eq!(admin.json(&["domain", "show", "x.test"])["greylisting"], json!(on));
    }
    let shown = admin.json(&["domain", "show", "y.test"]);
    assert_eq!((shown["limits"]["accounts"].as_u64(), &shown["plus"]), (Some(1), &Value::Null));
    assert_eq!((&shown["names"], &shown["catch_all"]), (&json!(["y.test"]), &json!("u@x.test")));
    admin.refused(&["account", "add", "v@x.test", "--password-stdin"], "p\n", "may have 1 accounts");
    admin.done(&["domain", "set", "x.test", "--accounts", "none", "--alias", "none"], "");
    assert_eq!(admin.json(&["domain", "show", "x.test"])["names"], json!([]));
    admin.refused(&["domain", "remove", "x.test"], "", "--force");
    admin.done(&["domain", "remove", "x.test", "--force"], "");
    assert_eq!(admin.done(&["account", "list"], ""), "");
}

fn accounts(admin: &Admin) {
    admin.refused(&["account", "add", "u@x.test", "--password-stdin"], "p\n", "posthaste domain add x.test");
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "U@x.test", "--password-stdin", "--quota", "5M"], "p\r\n");
    admin.done(&["account", "add", "b@x.test", "--password-stdin", "--last-name", "Lee"], "p");
    assert_eq!(admin.names(&["account", "list"], "address"), ["b@x.test", "u@x.test"]);
    let table = admin.done(&["account", "list"], "");
    assert!(table.contains("5.0M") && table.contains("Lee"), "{table}");
    admin.refused(&["account", "add", "u@x.test", "--password-stdin"], "p\n", "exists already");
    admin.refused(&["account", "add", "c@x.test", "--password-stdin"], "\n", "password");
    admin.done(&["password", "u@x.test", "--password-stdin"], "q\n");
    admin.done(&["mailbox", "create", "u@x.test", "Work/2026"], "");
    admin.done(&["mailbox", "rename", "u@x.test", "Work/2026", "Done"], "");
    admin.done(&["mailbox", "grant", "u@x.test", "Done", "b@x.test", "lrs"], "");
    admin.done(&["mailbox", "grant", "u@x.test", "Done", "-anyone", "l"], "");
    assert!(admin.done(&["mailbox", "list", "u@x.test"], "").contains("-anyone l, b@x.test lrs"));
    admin.done(&["mailbox", "grant", "u@x.test", "Done", "-anyone", "none"], "");
    admin.done(&["mailbox", "delete", "u@x.test", "Done"], "");
    assert!(!admin.names(&["mailbox", "list", "u@x.test"], "name").contains(&"Done".to_owned()));
    admin.refused(&["password", "z@x.test", "--password-stdin"], "q\n", "no account z@x.test");
    admin.done(&["class", "set", "gold", "--quota", "2G"], "");
    admin.done(&["account", "set", "b@x.test", "--class", "gold"], "");
    let share = admin.json(&["quota", "list", "--order", "address"]);
    assert_eq!((share[0]["room"].as_u64(), share[1]["room"].as_u64()), (Some(2 << 30), Some(5 << 20)));
    admin.done(&["quota", "set", "b@x.test", "1M"], "");
    assert_eq!(admin.json(&["account", "show", "b@x.test"])["room"], json!(1 << 20));
    admin.done(&["account", "disable", "b@x.test"], "");
    assert_eq!(admin.json(&["account", "show", "b@x.test"])["enabled"], json!(false));
    admin.done(&["account", "rename", "b@x.test", "c@x.test"], "");
    admin.done(&["alias", "set", "sales@x.test", "c@x.test", "u@x.test"], "");
    admin.done(&["group", "set", "all@x.test", "sales@x.test", "--posting", "members"], "");
    assert_eq!(admin.json(&["alias", "list"])[0]["targets"], json!(["c@x.test", "u@x.test"]));
    assert_eq!(admin.json(&["group", "list"])[0]["posting"], json!("members"));
    let made = admin.json(&["app-password", "add", "u@x.test", "my phone"]);
    assert_eq!(made["password"].as_str().unwrap().len(), 24);
    admin.done(&["app-password", "revoke", "u@x.test", "my phone"], "");
    admin.done(&["account", "remove", "c@x.test"], "");
    admin.refused(&["account", "remove", "c@x.test"], "", "no account");
    assert_eq!(admin.json(&["alias", "list"])[0]["targets"], json!(["u@x.test"]));
    assert_eq!(admin.run(&["account", "add", "nobody", "--password-stdin"], "p\n").0, 2);
    assert_eq!(admin.run(&["account", "add", "d@x.test", "--password-stdin", "--quota", "0"], "p\n").0, 2);
    admin.refused(&["account", "add", "d@x.test"], "", "--password-stdin");
    assert_eq!(admin.done(&["check"], ""), "everything fits together\n");
    assert_eq!(admin.json(&["undelete", "u@x.test", "--list"]), json!([]));
    assert_eq!(admin.json(&["ban", "list"]), json!([]));
}

fn an_import_is_all_or_nothing(admin: &Admin) {
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "old@x.test", "--password-stdin"], "p\n");
    let bad =
        "address,password,quota\na@x.test,p,\nold@x.test,p,\nb@y.test,p,\nc@x.test,,\nd@x.test,p,lots\n";
    let bad = admin.file("bad.csv", bad);
    let (status, _, err) = admin.run(&["account", "import", bad.to_str().unwrap()], "");
    assert_eq!(status, 1);
    for wanted in [
        "bad.csv: nothing",
        "line 3: the account old@x.test",
        "line 4: there is no domain y.test",
        "line 5: the password",
        "line 6:",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    assert!(!err.contains("line 2:"), "{err}");
    assert_eq!(admin.names(&["account", "list"], "address"), ["old@x.test"]);
    let good = admin.file("good.csv", "address,password,quota\r\na@x.test,\"p,q\",1K\r\nb@x.test,p,\r\n");
    admin.done(&["account", "import", good.to_str().unwrap()], "");
    assert_eq!(admin.names(&["account", "list"], "address"), ["a@x.test", "b@x.test", "old@x.test"]);
    assert!(admin.done(&["account", "export"], "").contains("\na@x.test,,,,1024,0,true\n"));
    admin.refused(&["account", "import", "/nowhere/x.csv"], "", "/nowhere/x.csv");
    let headless = admin.file("headless.csv", "a@x.test,p,\n");
    admin.refused(&["account", "import", headless.to_str().unwrap()], "", "address,password,quota");
}

fn mail_goes_and_comes(admin: &Admin) {
    admin.done(&["domain", "add", "x.test"], "");
    for name in ["u@x.test", "v@x.test"] {
        admin.done(&["account", "add", name, "--password-stdin"], "p\n");
    }
    let from = "From a@x Sat Nov 21 12:00:00 2026\n";
    let source =
        admin.file("source", &format!("{from}Subject: a\nStatus: R\n\nx\n\n{from}Subject: b\n\ny\n"));
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let place = |name: &str| text(&admin.0.path().join(name));
    let out = admin.done(&["import", "u@x.test", &text(&source)], "");
    assert_eq!(out, "2 messages (34) of 1 mailboxes were brought in\n");
    let again = admin.done(&["import", "u@x.test", &text(&source), "--mailbox", "INBOX"], "");
    assert_eq!(again, "0 messages (0) of 1 mailboxes were brought in; 2 were there already\n");
    for format in ["maildir", "mbox"] {
        admin.done(&["export", "u@x.test", &place(format), "--format", format], "");
        admin.refused(&["export", "u@x.test", &place(format), "--format", format], "", "exists");
        let moved = admin.json(&["import", "v@x.test", &place(format), "--mailbox", format]);
        assert_eq!((&moved["messages"], &moved["notes"]), (&json!(2), &json!([])));
    }
    admin.done(&["export", "u@x.test", &place("one"), "--format", "mbox", "--mailbox", "INBOX"], "");
    assert_eq!(std::fs::read_dir(place("one")).unwrap().count(), 2);
    admin.refused(&["import", "v@x.test", "/no/such/file"], "", "there is no /no/such/file");
    admin.done(&["backup", &place("copy")], "");
    admin.done(&["account", "remove", "u@x.test"], "");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "p\n");
    let back = ["restore", &place("copy"), "--account", "u@x.test"];
    let out = admin.done(&[&back[..], &["--in-place", "--mailbox", "INBOX"]].concat(), "");
    assert_eq!(out, "2 messages (34) of 1 mailboxes were brought back\n");
    assert_eq!(admin.json(&back)["messages"], json!(2));
    assert_eq!(admin.json(&back)["there_already"], json!(2));
    assert_eq!(
        admin.json(&[&back[..], &["--into", "Old", "--from", "v@x.test"]].concat())["messages"],
        json!(4)
    );
    assert_eq!(admin.json(&["quota", "list", "--order", "address"])[0]["messages"], json!(8));
    // What only makes sense for one account is not understood for all.
    assert_eq!(admin.run(&["restore", &place("copy"), "--into", "x"], "").0, 2);
    assert_eq!(admin.run(&[&back[..], &["--into", "x", "--in-place"]].concat(), "").0, 2);
    let large = admin.file("large", &format!("{from}Subject: c\n\n{}\n", "z".repeat(60 << 20)));
    let (status, out, err) = admin.run(&["import", "v@x.test", &text(&large)], "");
    assert!(
        status == 1 && out.contains("left out") && err.contains("1 messages were left out"),
        "{out}{err}"
    );
    assert_eq!(admin.done(&["check"], ""), "everything fits together\n");
}

#[test]
fn u22_mail_goes_and_comes_without_a_server() {
    mail_goes_and_comes(&Admin::new());
}

#[test]
fn u22_mail_goes_and_comes_beside_a_server() {
    let admin = Admin::new();
    let _server = admin.serve();
    mail_goes_and_comes(&admin);
}

#[test]
fn u1_domains_without_a_server() {
    domains(&Admin::new());
}

#[test]
fn u1_domains_beside_a_server() {
    let admin = Admin::new();
    let _server = admin.serve();
    domains(&admin);
}

#[test]
fn u16_accounts_without_a_server() {
    accounts(&Admin::new());
}

#[test]
fn u16_accounts_beside_a_server() {
    let admin = Admin::new();
    let _server = admin.serve();
    accounts(&admin);
}

#[test]
fn u16_an_import_without_a_server() {
    an_import_is_all_or_nothing(&Admin::new());
}

#[test]
fn u16_an_import_beside_a_server() {
    let admin = Admin::new();
    let _server = admin.serve();
    an_import_is_all_or_nothing(&admin);
}

#[test]
fn u15_setup_makes_the_administrator_once() {
    let admin = Admin::new();
    admin.refused(&["setup", "--password-stdin"], "correct horse\ncorrect hose\n", "differ");
    admin.refused(&["setup"], "", "terminal");
    let out = admin.done(&["setup", "--password-stdin"], "correct horse\ncorrect horse\n");
    assert!(out.contains("admin is the administrator") && !out.contains("horse"));
    admin.refused(&["setup", "--random"], "", "already");
    assert_eq!(admin.json(&["administrator", "list"]), json!(["admin"]));
    let other = Admin::new();
    let out = other.done(&["setup", "--random", "--name", "root"], "");
    assert!(out.contains("root is the administrator") && out.contains("once"));
    let server = admin.serve();
    admin.refused(&["setup", "--random"], "", "a server runs");
    drop(server);
}

#[test]
fn u22_a_backup_can_be_restored() {
    let admin = Admin::new();
    admin.done(&["domain", "add", "x.test"], "");
    let copy = admin.0.path().join("copy");
    let server = admin.serve();
    admin.done(&["backup", copy.to_str().unwrap()], "");
    admin.done(&["domain", "add", "later.test"], "");
    drop(server);
    admin.refused(&["restore", copy.to_str().unwrap()], "", "exists");
    std::fs::rename(admin.0.path().join("data"), admin.0.path().join("broken")).unwrap();
    admin.done(&["restore", copy.to_str().unwrap()], "");
    assert_eq!(admin.names(&["domain", "list"], "name"), ["x.test"]);
}

#[test]
fn a_wrong_configuration_is_explained() {
    let admin = Admin::new();
    assert!(admin.done(&["config", "check"], "").contains("fine"));
    // CFG-01: what can be used and is weak.
    let weak = "hostname = \"mail.x.test\"\ndata = \"data\"\npublic_account = \"public@x.test\"\n[listen]\n\
                imap = [\"0.0.0.0:0\"]\n[login]\nplaintext = true\n[passwords]\nscram_iterations = 4096\n";
    admin.file("posthaste.toml", weak);
    let found = admin.done(&["config", "check"], "");
    assert!(found.contains("posthaste.toml:7: weak: passwords are taken without TLS"), "{found}");
    assert!(found.contains("posthaste.toml:5: weak: without [tls]"), "{found}");
    assert!(!found.contains("public@x.test") && found.contains("can be used"), "{found}");
    assert!(!admin.0.path().join("data").exists(), "a check makes nothing");
    admin.done(&["domain", "add", "x.test"], "");
    let found = admin.json(&["config", "check"]);
    let lines: Vec<u64> = found.as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 5, 7], "{found}");
    admin.file("posthaste.toml", "hostname = \"x.test\"\ndata = \"d\"\n[limits]\nconnections = 0\n");
    admin.refused(&["domain", "list"], "", "posthaste.toml:4: a limit of 0");
    admin.refused(&["config", "check"], "", "posthaste.toml:4: a limit of 0");
    std::fs::remove_file(admin.0.path().join("posthaste.toml")).unwrap();
    admin.refused(&["domain", "list"], "", "--config");
}

#[test]
fn p29_the_dns_records_of_a_domain_are_printed() {
    let admin = Admin::new();
    admin.file(
        "posthaste.toml",
        "hostname = \"mail.x.test\"\ndata = \"data\"\n[listen]\nsmtp = [\"[::]:25\"]\nimaps = [\"[::]:993\"]\n",
    );
    let zone = admin.done(&["dns", "Y.test."], "");
    for line in ["y.test.", "_imaps._tcp.y.test.", "_imap._tcp.y.test."] {
        assert!(zone.lines().any(|one| one.split(' ').next() == Some(line)), "{line}: {zone}");
    }
    assert!(
        zone.contains(" IN MX    10 mail.x.test.\n") && zone.contains(" IN SRV   0 1 993 mail.x.test.\n")
    );
    let records = admin.json(&["dns", "y.test"])["records"].clone();
    assert_eq!(records[0], json!({ "name": "y.test.", "type": "MX", "value": "10 mail.x.test." }));
    admin.refused(&["dns", "a b"], "", "a DNS name");
    assert!(!admin.0.path().join("data").exists(), "it makes nothing");
}

#[test]
fn the_description_of_the_interface_is_printed() {
    let document: Value = serde_json::from_str(&Admin::new().done(&["api", "openapi"], "")).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[cfg(unix)]
#[test]
fn auth_11_passwords_are_stored_as_hashes_and_the_data_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let admin = Admin::new();
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "correct horse\n");
    let data = admin.0.path().join("data");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o077, 0);
    let mut found = false;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("correct horse"), "{}", path.display());
            found |= text.contains("$argon2id$v=19$m=19456,t=2,p=1$");
        }
    }
    assert!(found);
}

#[cfg(unix)]
#[test]
fn st_07_nobody_else_reads_the_files_whatever_the_umask_and_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let admin = Admin::new();
    let data = admin.0.path().join("data");
    let chmod = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir(&data).unwrap();
    chmod(&data, 0o755);
    // Everything may be read by everybody, where the program does not say otherwise.
    let careless = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_posthaste")]).args(arguments);
        command.arg("--config").arg(admin.0.path().join("posthaste.toml"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let copy = admin.0.path().join("copy");
    careless(&["domain", "add", "x.test"]);
    careless(&["backup", copy.to_str().unwrap()]);
    let database = data.join("posthaste.sqlite");
    for path in
        [&copy, &copy.join("posthaste.sqlite"), &database, &data.join("posthaste.lock"), &data.join("spool")]
    {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
    }
    let said = admin.done(&["config", "check"], "");
    assert!(said.contains("data can be read by others") && said.contains("chmod 700"), "{said}");
    assert!(!said.contains("chmod 600"), "{said}");
    // As an older version of the program has made it.
    chmod(&database, 0o644);
    let said = admin.done(&["config", "check"], "");
    assert!(said.contains("posthaste.sqlite can be read by others") && said.contains("chmod 600"), "{said}");
    chmod(&data, 0o700);
    assert!(!admin.done(&["config", "check"], "").contains("chmod"));
    // A backup that others can read becomes a directory that they can not.
    chmod(&copy, 0o755);
    chmod(&copy.join("posthaste.sqlite"), 0o644);
    std::fs::remove_dir_all(&data).unwrap();
    careless(&["restore", copy.to_str().unwrap()]);
    for path in [&data, &database] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rel_06_an_export_is_on_the_disk_before_it_has_its_name() {
    let admin = Admin::new();
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "p\n");
    let mail = admin.file("mail", "From u@x.test Mon Feb  7 21:52:25 1994\nSubject: a\n\nb\n");
    admin.done(&["import", "u@x.test", mail.to_str().unwrap()], "");
    let (calls, to) = (admin.0.path().join("calls"), admin.0.path().join("mail out"));
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-e", "trace=syncfs,fsync,openat,?rename,?renameat,?renameat2", "-o"])
        .arg(&calls);
    command.arg(env!("CARGO_BIN_EXE_posthaste")).args(["export", "u@x.test"]).arg(&to);
    command.args(["--format", "maildir", "--config"]).arg(admin.0.path().join("posthaste.toml"));
    let output = match command.output() {
        Err(_) if std::env::var_os("POSTHASTE_REQUIRE_CLIENTS").is_none() => return,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = std::fs::read_to_string(calls).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let last = |what: &str, of: &str| calls.iter().rposition(|line| line.contains(what) && line.contains(of));
    let parent = format!("<{}>", admin.0.path().display());
    let (written, flushed) = (last("O_CREAT", "mail out"), last("syncfs(", "mail out"));
    let (named, noted) = (last("rename", "mail out"), last("fsync(", &parent));
    assert!(written.is_some() && written < flushed && flushed < named && named < noted, "{calls:#?}");
}
