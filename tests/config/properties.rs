use std::time::Duration;

use bgd::config::{Format, interpolate, parse_duration, parse_env_file, show_duration, split_words};
use proptest::prelude::*;

use crate::support::{SECRET, env, parsed, with};

/// Text that is likely to have something to do with variables.
fn almost_variables() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just("$".to_owned()),
        Just("$$".to_owned()),
        Just("PORT".to_owned()),
        Just("EMPTY".to_owned()),
        Just(":-".to_owned()),
        Just("?".to_owned()),
        "[a-zäö_0-9 :]{0,4}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Text that is likely to be YAML of about the right form.
fn almost_configuration() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("app"),
        Just("image"),
        Just("port"),
        Just("env"),
        Just("volumes"),
        Just("health"),
        Just("smoke"),
        Just("proxy"),
        Just("nginx"),
        Just("server"),
        Just("host"),
        Just("hooks"),
        Just("none"),
        Just("- "),
        Just(": "),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(", "),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("${PORT}"),
        Just("${TOKEN}"),
        Just("${"),
        Just("\""),
        Just("'"),
        Just("|\n  "),
        Just("\t"),
        Just("---\n"),
        Just("#"),
        Just("!x "),
        Just("é"),
        Just("-1"),
        Just("12s"),
        Just("/a"),
        Just("\u{0}"),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

/// A configuration with a secret in every place that may hold one.
const SECRETIVE: &str = "app: api
image: myorg/api
env:
  TOKEN: hunter2
  OTHER: \"hunter2\"
port: 3000
network: proxy
logging:
  driver: splunk
  options: { splunk-token: hunter2 }
smoke:
  - get: /health
    headers:
      Authorization: 'hunter2'
      X-Folded: >-
        one
        hunter2
proxy:
  nginx:
    container: edge
    config_dir: /etc/nginx/conf.d
    upstream: api
user: app
env_list: &e
  - TOKEN=hunter2
health:
  http: /health
";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_slip_of_the_finger_shows_no_secret(
        at in 0..SECRETIVE.len(),
        removed in 0..3_usize,
        typed in "[\n\t :{}\\[\\]\"'#&*!|>%@,?=x-]{0,2}",
    ) {
        let end = (at + removed).min(SECRETIVE.len());
        let text = format!("{}{typed}{}", &SECRETIVE[..at], &SECRETIVE[end..]);
        if let Err(diagnostics) = parsed(&text) {
            prop_assert!(!diagnostics.to_string().contains(SECRET), "{text}\n{diagnostics}");
        }
    }
}

proptest! {
    #[test]
    fn interpolation_never_panics_and_text_without_a_dollar_stays(text in almost_variables(), plain in "[^$]*") {
        let _ = interpolate(&text, &env);
        prop_assert_eq!(interpolate(&plain, &env), Ok(plain.clone()));
    }

    #[test]
    fn doubled_dollars_give_back_any_text(text in any::<String>()) {
        prop_assert_eq!(interpolate(&text.replace('$', "$$"), &env), Ok(text));
    }

    #[test]
    fn a_variable_takes_any_value_as_it_is(value in any::<String>()) {
        let env = |name: &str| (name == "V").then(|| value.clone());
        prop_assert_eq!(interpolate("<${V}>", &env), Ok(format!("<{value}>")));
    }

    #[test]
    fn durations_round_trip(micros in 0_u64..31_536_000_000_000) {
        let duration = Duration::from_micros(micros);
        prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
    }

    #[test]
    fn no_text_makes_the_small_parsers_panic(text in any::<String>(), number in "[0-9.]{0,40}(h|m|s|ms|us|x)?") {
        let _ = (parse_duration(&text), parse_duration(&number), split_words(&text));
        for format in [Format::Dotenv, Format::Raw] {
            let _ = parse_env_file(&text, format, &env);
        }
    }

    #[test]
    fn quoted_words_round_trip(words in proptest::collection::vec("[^']*", 0..6)) {
        let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        prop_assert_eq!(split_words(&line.join(" ")), Ok(words));
    }

    #[test]
    fn no_configuration_panics_and_none_shows_a_secret(
        text in prop_oneof![any::<String>(), almost_configuration(), almost_configuration().prop_map(|t| with(&t))]
    ) {
        match parsed(&text) {
            Ok(app) => { let _ = format!("{app:?}"); }
            Err(diagnostics) => {
                prop_assert!(diagnostics.iter().count() > 0);
                prop_assert!(!diagnostics.to_string().contains(SECRET));
                for diagnostic in diagnostics.iter() {
                    prop_assert!(diagnostic.line <= text.split('\n').count() + 1);
                    prop_assert!(!diagnostic.message.contains('\n'), "{}", diagnostic.message);
                }
            }
        }
    }
}
