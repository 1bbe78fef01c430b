//! `posthaste account import`: many accounts from a CSV file, all or none. Every wrong line is reported, not
//! only the first.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::parse_size;
use crate::directory::{Address, Directory, NewAccount};

pub(super) async fn run(directory: &Directory, list: &Path) -> Result<(), String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", list.display());
    let text = std::fs::read(list).map_err(|error| named(&error))?;
    let (mut accounts, mut faults) = parse(&text).map_err(|error| named(&error))?;
    for (line, account) in &accounts {
        if let Err(error) = directory.check_new(account).await {
            faults.insert(*line, error.to_string());
        }
    }
    if !faults.is_empty() {
        let lines: Vec<String> =
            faults.iter().map(|(line, fault)| format!("{}:{line}: {fault}", list.display())).collect();
        return Err(format!("nothing was imported:\n{}", lines.join("\n")));
    }
    let accounts = accounts.drain(..).map(|(_, account)| account).collect();
    directory.add_accounts(accounts).await.map_err(|error| named(&error))
}

/// Accounts with their lines, and lines that are none.
type Parsed = (Vec<(u64, NewAccount)>, BTreeMap<u64, String>);

fn parse(text: &[u8]) -> Result<Parsed, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut records = reader.records();
    let header = match records.next() {
        Some(header) => header.map_err(|error| error.to_string())?,
        None => return Err(format!("the file is empty: its first line must be {HEADER}")),
    };
    if header.iter().collect::<Vec<_>>().join(",") != HEADER {
        return Err(format!("the first line must be {HEADER}"));
    }
    let (mut accounts, mut faults) = (Vec::new(), BTreeMap::new());
    let mut seen = BTreeMap::new();
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.insert(error.position().map_or(0, csv::Position::line), error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match account(&record) {
            Err(fault) => {
                faults.insert(line, fault);
            }
            Ok(account) => match seen.insert(account.address.clone(), line) {
                Some(first) => {
                    faults.insert(line, format!("{} is on line {first} already", account.address));
                }
                None => accounts.push((line, account)),
            },
        }
    }
    Ok((accounts, faults))
}

fn account(record: &csv::StringRecord) -> Result<NewAccount, String> {
    let fields: Vec<&str> = record.iter().collect();
    let [address, password, quota] = fields.as_slice() else {
        return Err(format!("{} fields instead of 3: {HEADER}", fields.len()));
    };
    let address = Address::parse(address).map_err(|error| format!("{address:?}: {error}"))?;
    let quota = if quota.is_empty() { None } else { Some(parse_size(quota)?) };
    Ok(NewAccount { address, password: (*password).to_owned(), quota })
}

/// The first line. The quota may be empty: no limit.
const HEADER: &str = "address,password,quota";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_line_is_reported_with_its_number() {
        let text = b"address,password,quota\na@x.test,p,\nnobody,p,\nb@x.test,\"p,\n\"\"q\",5M\nc@x.test,p\nA@X.test,p,1\nd@x.test,p,0\n";
        let (accounts, faults) = parse(text).unwrap();
        let found: Vec<_> = accounts.iter().map(|(line, a)| (*line, a.password.as_str(), a.quota)).collect();
        assert_eq!(found, [(2, "p", None), (4, "p,\n\"q", Some(5 << 20))]);
        assert_eq!(faults.keys().copied().collect::<Vec<_>>(), [3, 6, 7, 8]);
        assert!(faults[&7].contains("line 2"));
    }

    #[test]
    fn the_header_is_required() {
        assert!(parse(b"").unwrap_err().contains(HEADER));
        assert!(parse(b"a@x.test,p,\n").unwrap_err().contains(HEADER));
        assert!(parse(b"address,password,quota\n").unwrap().0.is_empty());
    }
}
