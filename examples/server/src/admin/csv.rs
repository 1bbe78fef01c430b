//! Accounts as CSV: the first line names the columns, in any order. Every wrong line is reported, not only the first.

use std::collections::BTreeMap;

use super::accounts::{AccountView, Add};
use super::{Fault, Password, Problem};
use crate::config::parse_size;
use crate::directory::{Address, Role};

/// Rows with their lines, and lines that are wrong.
pub(super) type Parsed = (Vec<(u64, Add)>, Vec<Fault>);

/// Understands a text; only a wrong first line is wrong altogether.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, Problem> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(text);
    let wrong = |detail: String| Problem::invalid(detail).remedy(format!("the first line is like {HEADER}"));
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    for column in &header {
        if !COLUMNS.contains(&column) {
            return Err(wrong(format!("{:?} is no column", column.escape_debug())));
        }
    }
    for column in ["address", "password"] {
        if header.iter().filter(|name| *name == column).count() != 1 {
            return Err(wrong(format!("there must be one column {column}")));
        }
    }
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let mut seen = BTreeMap::new();
    for record in reader.records() {
        let (line, row) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                (line, row(&header, &record))
            }
            Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
        };
        let row = row.and_then(|row| match seen.insert(row.address.clone(), line) {
            Some(first) => Err(format!("{} is on line {first} already", row.address)),
            None => Ok(row),
        });
        match row {
            Ok(row) => rows.push((line, row)),
            Err(detail) => faults.push(Fault { line, detail }),
        }
    }
    Ok((rows, faults))
}

fn row(header: &csv::StringRecord, record: &csv::StringRecord) -> Result<Add, String> {
    if record.len() != header.len() {
        return Err(format!("{} fields instead of {}", record.len(), header.len()));
    }
    let field = |name: &str| {
        let fields = header.iter().zip(record).find(|(column, _)| *column == name);
        fields.map_or("", |(_, value)| value)
    };
    let address = field("address");
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(Add {
        address: Address::parse(address).map_err(|error| format!("{address:?}: {error}"))?,
        password: Some(Password::new(field("password"))),
        first_name: field("first_name").to_owned(),
        last_name: field("last_name").to_owned(),
        quota: some(field("quota")).map(|quota| parse_size(&quota)).transpose()?,
        quota_messages: None,
        class: some(field("class")),
        role: Role::User,
        services: None,
    })
}

/// Accounts with the columns of an import, without passwords, and what they keep.
pub(super) fn write(accounts: &[AccountView]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let quota = |account: &AccountView| account.quota.map_or(String::new(), |quota| quota.to_string());
    // Writing to memory does not fail, and all rows have as many fields.
    let _ = writer.write_record(["address", "first_name", "last_name", "class", "quota", "used", "enabled"]);
    for account in accounts {
        let _ = writer.write_record([
            account.address.to_string(),
            account.first_name.clone(),
            account.last_name.clone(),
            account.class.clone().unwrap_or_default(),
            quota(account),
            account.used.to_string(),
            account.enabled.to_string(),
        ]);
    }
    let text = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

const HEADER: &str = "address,password,quota,first_name,last_name,class";

const COLUMNS: [&str; 6] = ["address", "password", "quota", "first_name", "last_name", "class"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u16_every_wrong_line_is_reported_with_its_number() {
        let text = b"address,password,quota\na@x.test,p,\nnobody,p,\nb@x.test,\"p,\n\"\"q\",5M\nc@x.test,p\nA@X.test,p,1\nd@x.test,p,0\n";
        let (rows, faults) = parse(text).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|(line, row)| (*line, row.password.as_ref().unwrap().secret().expose(), row.quota))
            .collect();
        assert_eq!(found, [(2, b"p".as_slice(), None), (4, b"p,\n\"q".as_slice(), Some(5 << 20))]);
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [3, 6, 7, 8]);
        assert!(faults[2].detail.contains("line 2"));
    }

    #[test]
    fn u16_the_first_line_names_the_columns_in_any_order() {
        let (rows, faults) = parse(b"last_name,password,address,class\nLee,p,a@x.test,gold\n").unwrap();
        assert!(faults.is_empty());
        assert_eq!((rows[0].1.last_name.as_str(), rows[0].1.class.as_deref()), ("Lee", Some("gold")));
        for bad in
            ["", "a@x.test,p,\n", "address,quota\n", "address,password,admin\n", "address,address,password\n"]
        {
            assert!(parse(bad.as_bytes()).unwrap_err().to_string().contains(HEADER), "{bad:?}");
        }
        assert!(parse(b"address,password,quota\n").unwrap().0.is_empty());
    }
}
