//! `posthaste config check`: each mistake is named with its place.

use std::process::Command;

use tempfile::TempDir;

struct Checked(TempDir);

impl Checked {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Checks a configuration: exit status, and all that was said.
    fn check(&self, text: &str) -> (i32, String) {
        std::fs::write(self.0.path().join("posthaste.toml"), text).unwrap();
        self.check_file()
    }

    fn check_file(&self) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_posthaste"))
            .args(["config", "check", "--config"])
            .arg(self.0.path().join("posthaste.toml"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn refused(&self, text: &str, wanted: &[&str]) {
        let (status, said) = self.check(text);
        assert_eq!(status, 1, "{text}: {said}");
        for part in wanted {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

const HEAD: &str = "hostname = \"mail.test\"\ndata = \"data\"\n";

#[test]
fn what_is_fine_is_said_to_be_and_nothing_is_made() {
    let checked = Checked::new();
    let (status, said) = checked.check(HEAD);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("fine") && said.contains("mail.test"), "{said}");
    assert!(!checked.0.path().join("data").exists());
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let checked = Checked::new();
    checked.refused(&format!("{HEAD}\n[listen]\nsmpt = []\n"), &["posthaste.toml:5:", "smpt", "`smtp`"]);
    checked
        .refused(&format!("{HEAD}[limits]\nrecipients = \"many\"\n"), &["posthaste.toml:4:", "invalid type"]);
    checked.refused(&format!("{HEAD}[listen]\nimaps = \"[::]:993\"\n"), &["posthaste.toml:4:", "sequence"]);
    checked.refused("data = \"d\"\n", &["posthaste.toml:1:", "`hostname`"]);
    checked.refused(&format!("{HEAD}[tls\n"), &["posthaste.toml:3:"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let checked = Checked::new();
    let (status, said) = checked.check_file();
    assert_eq!(status, 1);
    assert!(said.contains("posthaste.toml") && said.contains("--config"), "{said}");
}

#[test]
fn a_certificate_that_can_not_be_used_is_named() {
    let checked = Checked::new();
    let text = format!("{HEAD}[tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n");
    checked.refused(&text, &["[tls]", "certificate.pem"]);
    let write = |name: &str, content: &str| std::fs::write(checked.0.path().join(name), content).unwrap();
    write("certificate.pem", "nothing of the kind\n");
    write("key.pem", "nor this\n");
    checked.refused(&text, &["[tls]", "certificate.pem"]);
    // Another key than that of the certificate.
    let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (one, other) = (made("mail.test"), made("mail.test"));
    write("certificate.pem", &one.cert.pem());
    write("key.pem", &other.signing_key.serialize_pem());
    checked.refused(&text, &["[tls]"]);
    write("key.pem", &one.signing_key.serialize_pem());
    let (status, said) = checked.check(&text);
    assert_eq!(status, 0, "{said}");
}

#[cfg(unix)]
#[test]
fn a_key_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let checked = Checked::new();
    let made = rcgen::generate_simple_self_signed(["mail.test".to_owned()]).unwrap();
    let key = checked.0.path().join("key.pem");
    std::fs::write(checked.0.path().join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&key).is_ok() {
        // Root reads everything.
        return;
    }
    let text = format!("{HEAD}[tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n");
    checked.refused(&text, &["[tls]", "key.pem", "ermission denied"]);
}
