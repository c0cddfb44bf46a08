//! The processes of a container, from the engine's `ps`.

use serde_json::Value;

use super::Process;
use super::json::items;
use crate::error::{Error, Kind, Result};

/// Reads the table by its titles, because the columns' order and names are those of the host's `ps`.
///
/// # Errors
/// Of the kind `Docker` when the table has no such columns.
pub(super) fn processes(table: &Value) -> Result<Vec<Process>> {
    let column = |names: &[&str]| {
        items(table, "Titles")
            .iter()
            .position(|title| title.as_str().is_some_and(|title| names.contains(&title)))
            .ok_or_else(|| {
                Error::new(Kind::Docker, format!("the engine's `ps` shows no {}", names[0]))
                    .hint("install procps on the engine's host")
            })
    };
    let (pid, parent, title) = (column(&["PID"])?, column(&["PPID"])?, column(&["COMMAND", "CMD", "ARGS"])?);
    let rows = items(table, "Processes").iter();
    Ok(rows
        .filter_map(|row| {
            let cell = |index: usize| row[index].as_str().map(str::trim);
            Some(Process {
                pid: cell(pid)?.parse().ok()?,
                parent: cell(parent)?.parse().ok()?,
                title: cell(title)?.to_owned(),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_found_by_title_and_broken_rows_left_out() {
        let table = json!({
            "Titles": ["PPID", "PID", "CMD"],
            "Processes": [["1", "7", "nginx: worker process is shutting down"], ["x", "8", "y"], ["1"]]
        });
        let expected = Process { pid: 7, parent: 1, title: "nginx: worker process is shutting down".into() };
        assert_eq!(processes(&table).unwrap(), [expected]);
        assert!(processes(&json!({"Titles": ["PID"], "Processes": []})).is_err());
    }
}
