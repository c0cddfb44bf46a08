//! The names of users.

use std::fs::read_to_string;

/// The name of a user in `/etc/passwd`, or the number where there is none. Other sources of names, such as LDAP, are not
/// asked: the C library loads code for that, which crashes a static binary (glibc's manual, "Name Service Switch").
pub fn name(uid: u32) -> String {
    let users = read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&users, uid).unwrap_or_else(|| uid.to_string())
}

/// The name of the user who runs this process.
pub fn own_name() -> String {
    name(nix::unistd::getuid().as_raw())
}

/// Lines are `name:password:uid:…` (passwd(5)).
fn name_in(users: &str, uid: u32) -> Option<String> {
    let is_it = |line: &&str| line.split(':').nth(2).is_some_and(|found| found.parse() == Ok(uid));
    users.lines().find(is_it)?.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_name_is_a_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\nci:x:1000:1000::/home/ci:/bin/sh\nbroken\n";
        assert_eq!(name_in(users, 1000).as_deref(), Some("ci"));
        assert_eq!(name_in(users, 1234), None);
        assert_eq!(name(4_000_000_000), "4000000000");
    }
}
