//! What a configuration allows that somebody may not have meant: it can be used, and lets in more than it should.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use posthaste_tokio::Network;
use serde::Serialize;
use toml::de::{DeTable, DeValue};

use super::tls::HTTP_PORT;
use super::{CertificateSource, Config};
use crate::directory::Address;
use crate::store::sqlite::{self, Exposed};

/// Something that is weak, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weakness {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is weak.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

impl std::fmt::Display for Weakness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.detail, self.remedy)
    }
}

impl Config {
    /// What is weak in a configuration, by line; `text` is what it was made of. Looks at the files of keys, and whether
    /// others can read the mail.
    pub fn weaknesses(&self, text: &str) -> Vec<Weakness> {
        let mut found =
            Found { text, table: DeTable::parse(text).ok().map(toml::Spanned::into_inner), all: Vec::new() };
        self.ports(&mut found);
        self.keys(&mut found);
        self.authority(&mut found);
        if self.login.plaintext {
            let detail = "passwords are taken without TLS, for everybody on the way to read";
            found.add(&["login", "plaintext"], detail, "remove it, unless this is for trying out");
        }
        if self.proxies.networks.iter().any(is_everything) {
            let detail = "everybody may say in a PROXY header to be anybody, and needs one";
            found.add(&["proxies", "networks"], detail, "name the addresses of your proxies only");
        }
        if self.bans.exempt.iter().any(is_everything) {
            let detail = "nobody is ever shut out for guessing passwords";
            found.add(&["bans", "exempt"], detail, "name the addresses of your own programs only");
        }
        if let Some(public) = &self.public_account
            && Address::parse(public).is_err()
        {
            found.add(&["public_account"], "this is no address, so nothing is shown", "name an account");
        }
        if let Some(backups) = &self.backups
            && backups.directory.starts_with(&self.data)
        {
            let detail = "backups are within the data directory, and are lost with it";
            found.add(&["backups", "directory"], detail, "choose another place, best on another disk");
        }
        for Exposed { detail, remedy } in sqlite::exposed(&self.data) {
            found.add(&["data"], &detail, &remedy);
        }
        found.all.sort_by_key(|weakness| weakness.line);
        found.all
    }

    fn ports(&self, found: &mut Found<'_>) {
        let listen = &self.listen;
        if listen.lmtp.iter().any(is_open) {
            let detail = "whoever reaches LMTP delivers mail to everybody here, without asking";
            found.add(&["listen", "lmtp"], detail, "listen at 127.0.0.1, or keep others out with a firewall");
        }
        let services = [
            (&listen.smtp, "smtp"),
            (&listen.submission, "submission"),
            (&listen.submissions, "submissions"),
            (&listen.imap, "imap"),
            (&listen.imaps, "imaps"),
            (&listen.pop3, "pop3"),
            (&listen.pop3s, "pop3s"),
            (&listen.lmtp, "lmtp"),
            (&listen.http, "http"),
        ];
        if self.tls.is_some() {
            return;
        }
        for (addresses, name) in services {
            if addresses.iter().any(is_open) {
                let detail = format!("without [tls] nobody can tell the server at {name} from another one");
                found.add(&["listen", name], &detail, "add [tls] with a certificate that clients trust");
            }
        }
    }

    /// Private keys that others on the machine can read.
    fn keys(&self, found: &mut Found<'_>) {
        let Some(tls) = &self.tls else { return };
        let others = tls.others.iter().enumerate().map(|(number, other)| (Some(number), &other.key));
        let first = match &tls.source {
            CertificateSource::Files(files) => Some((None, &files.key)),
            CertificateSource::Acme(_) => None,
        };
        for (number, key) in first.into_iter().chain(others) {
            if is_readable_by_others(key) {
                let detail = format!("everybody on this machine can read {}", key.display());
                let remedy = format!("chmod o= {}", key.display());
                match number {
                    None => found.add(&["tls", "key"], &detail, &remedy),
                    Some(number) => {
                        found.add(&["tls", "others", &number.to_string(), "key"], &detail, &remedy);
                    }
                }
            }
        }
    }

    /// An authority that will not come to where it is waited for, or is not asked for what clients ask for.
    fn authority(&self, found: &mut Found<'_>) {
        let Some(acme) = self.acme() else { return };
        if acme.listen.iter().any(|address| is_open(address) && address.port() != HTTP_PORT) {
            let detail = "the authority comes to port 80 of each host, and not to this one";
            let remedy =
                "listen at port 80, or at 127.0.0.1 with a web server at port 80 that passes requests on";
            found.add(&["tls", "acme", "listen"], detail, remedy);
        }
        if !acme.hosts.contains(&self.hostname) {
            let detail =
                format!("the certificate will not be for {}, which this server calls itself", self.hostname);
            found.add(&["tls", "acme", "hosts"], &detail, "add it, unless nobody connects to that name");
        }
    }
}

struct Found<'a> {
    text: &'a str,
    table: Option<DeTable<'a>>,
    all: Vec<Weakness>,
}

impl Found<'_> {
    fn add(&mut self, path: &[&str], detail: &str, remedy: &str) {
        let line = self.line(path);
        self.all.push(Weakness { line, detail: detail.to_owned(), remedy: remedy.to_owned() });
    }

    /// The line of a key; a number is a place in an array.
    fn line(&self, path: &[&str]) -> usize {
        let (Some(table), Some((first, rest))) = (&self.table, path.split_first()) else { return 1 };
        let Some((key, value)) = table.get_key_value(*first) else { return 1 };
        let mut at = key.span().start;
        let mut value = value.get_ref();
        for part in rest {
            let next = match value {
                DeValue::Table(table) => {
                    table.get_key_value(*part).map(|(key, value)| (key.span().start, value.get_ref()))
                }
                DeValue::Array(array) => part
                    .parse::<usize>()
                    .ok()
                    .and_then(|number| array.get(number))
                    .map(|value| (value.span().start, value.get_ref())),
                _ => None,
            };
            let Some((start, next)) = next else { break };
            (at, value) = (start, next);
        }
        let before = self.text.get(..at).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }
}

/// Whether others than the machine itself reach an address.
fn is_open(address: &SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Whether a network is half of the Internet or more.
fn is_everything(network: &Network) -> bool {
    let far = [
        [IpAddr::from([8, 8, 8, 8]), [100, 64, 0, 1].into()],
        [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(), [0x3fff, 0, 0, 0, 0, 0, 0, 1].into()],
    ];
    far.iter().any(|pair| pair.iter().all(|address| network.contains(*address)))
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Who may read a file is not found out here.
#[cfg(not(unix))]
const fn is_readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weaknesses(text: &str) -> Vec<(usize, String)> {
        let config = Config::parse(text, Path::new("/etc/x.toml")).unwrap();
        config.weaknesses(text).into_iter().map(|one| (one.line, one.to_string())).collect()
    }

    #[test]
    fn cfg_01_what_is_weak_is_named_with_its_line() {
        let text = "hostname = \"mail.x.test\"\ndata = \"/d\"\npublic_account = \"public\"\n\
                    [listen]\nsmtp = [\"127.0.0.1:25\"]\nlmtp = [\"[::]:24\"]\nhttp = [\"192.0.2.1:443\"]\n\
                    [login]\nplaintext = true\n[proxies]\nnetworks = [\"10.0.0.1\", \"0.0.0.0/0\"]\n\
                    [bans]\nexempt = [\"::/0\"]\n[backups]\ndirectory = \"/d/backups\"\n";
        let found = weaknesses(text);
        let wanted = [
            (3, "no address"),
            (6, "without asking"),
            (6, "without [tls]"),
            (7, "without [tls]"),
            (9, "without TLS"),
            (11, "PROXY"),
            (13, "guessing"),
            (15, "within the data directory"),
        ];
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for ((line, text), (wanted_line, part)) in found.iter().zip(wanted) {
            assert!(*line == wanted_line && text.contains(part), "{line} {text}: {wanted_line} {part}");
        }
    }

    #[test]
    fn cfg_01_what_nothing_is_said_about_is_not_weak() {
        let text = "hostname = \"mail.x.test\"\ndata = \"/d\"\n[listen]\nsmtp = [\"127.0.0.1:25\"]\n";
        assert_eq!(weaknesses(text), []);
        let text = "hostname = \"mail.x.test\"\ndata = \"/d\"\npublic_account = \"p@x.test\"\n\
                    [proxies]\nnetworks = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n";
        assert_eq!(weaknesses(text), []);
    }

    #[test]
    fn cfg_01_an_authority_that_will_not_find_what_it_looks_for_is_weak() {
        let head = "hostname = \"mail.x.test\"\ndata = \"/d\"\n[tls.acme]\naccept_terms = true\n";
        let found = weaknesses(&format!("{head}hosts = [\"imap.x.test\"]\nlisten = [\"[::]:8080\"]\n"));
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [5, 6], "{found:?}");
        assert!(found[0].1.contains("mail.x.test") && found[1].1.contains("port 80"), "{found:?}");
        for fine in ["", "listen = [\"127.0.0.1:8080\"]\n", "hosts = [\"imap.x.test\", \"mail.x.test\"]\n"] {
            assert_eq!(weaknesses(&format!("{head}{fine}")), [], "{fine}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn cfg_01_a_key_that_others_can_read_is_weak() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "hostname = \"x.test\"\ndata = \"d\"\n[tls]\ncertificate = \"c\"\nkey = \"{0}/one\"\n\
             [[tls.others]]\ncertificate = \"c\"\nkey = \"{0}/two\"\n\
             [[tls.others]]\ncertificate = \"c\"\nkey = \"{0}/three\"\n",
            directory.path().display()
        );
        for (name, mode) in [("one", 0o644), ("two", 0o640), ("three", 0o604)] {
            let path = directory.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let lines: Vec<usize> = weaknesses(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [5, 11]);
    }
}
