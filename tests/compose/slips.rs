use proptest::prelude::*;

use crate::support::{SECRET, parsed, said};

/// A project with a secret in every place of a service that may hold one, beside values that are shown.
const SECRETIVE: &str = "\
services:
  api:
    image: myorg/api   # the one of the shop
    environment:
      TOKEN: hunter2
      OTHER: \"hunter2 #hunter2\"
    env_file: [gone.env]
    platform: linux/amd64
    ports: [\"80:80\"]   # listens on port 80
    deploy:
      mode: replicated
      update_config: { order: start-first }
    build:
      context: .
      args: { NPM_TOKEN: hunter2 }
    annotations:
      key: hunter2
    logging:
      driver: splunk
      options: { splunk-token: hunter2 }
    secrets: [db]
    healthcheck: { test: x, interval: often }
    x-bgd:
      port: 3000
      smoke:
        - get: /health
          headers:
            Host: shop.example.com
            Authorization: 'hunter2'
      proxy:
        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api }
secrets: { db: { environment: TOKEN } }
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
        if let Err(error) = parsed(&text) {
            prop_assert!(!said(&error).contains(SECRET), "{text}\n{}", said(&error));
        }
    }
}

#[test]
fn what_has_slipped_below_another_key_is_hidden() {
    let depends = "    depends_on:\n      db: { condition: service_started }\n    environment:";
    let text = SECRETIVE.replace("    environment:", depends);
    for key in ["    build:", "    environment:", "    annotations:", "    logging:"] {
        let error = parsed(&text.replace(key, &format!("#{key}"))).unwrap_err();
        assert!(!said(&error).contains(SECRET), "without {key}\n{}", said(&error));
    }
}
