use crate::host::Host;

const COMMANDS: [&str; 12] = [
    "deploy",
    "rollback",
    "status",
    "history",
    "show",
    "plan",
    "recover",
    "prune",
    "adopt",
    "validate",
    "completions",
    "man",
];

#[test]
fn every_command_explains_itself() {
    let host = Host::new();
    insta::assert_snapshot!("help", host.show(&["--help"]));
    for command in COMMANDS {
        insta::assert_snapshot!(format!("help-{command}"), host.show(&[command, "--help"]));
    }
}

#[test]
fn what_is_no_command_line_is_refused_with_code_2() {
    let host = Host::new();
    let wrong: [&[&str]; 12] = [
        &[],
        &["deplo"],
        &["deploy", "API:1"],
        &["deploy", "a", "b"],
        &["deploy", "api:1", "--window", "soon"],
        &["deploy", "api:1", "--window", "1m", "--no-watch"],
        &["rollback", "--to", "last"],
        &["status", "--json", "--watch"],
        &["show", "api"],
        &["prune", "--keep", "0"],
        &["prune", "--older-than", "soon"],
        &["prune", "--plan", "--yes"],
    ];
    let mut text = String::new();
    for args in wrong {
        assert_eq!(host.run(args).status.code(), Some(2), "{args:?}");
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("usage", text);
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    let host = Host::new();
    for args in
        [["completions", "bash"].as_slice(), &["completions", "zsh"], &["completions", "fish"], &["man"]]
    {
        let output = host.run(args);
        assert!(output.status.success(), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for command in COMMANDS {
            assert!(text.contains(command), "{args:?} knows no {command}");
        }
    }
}
