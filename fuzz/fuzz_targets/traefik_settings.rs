//! Any file, command line or environment is read as a static configuration of Traefik's, without a panic.
#![no_main]

use bgd::proxy::traefik::settings::{Settings, from_arguments, from_environment, from_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let environment = text.lines().filter_map(|line| line.split_once('='));
    for options in [from_yaml(text), Some(from_arguments(&lines)), Some(from_environment(environment))] {
        let mut settings = Settings::new(options);
        let _ = (settings.api_candidate(), settings.default_entrypoints().len());
        if let Ok(told) = serde_json::from_str(text) {
            settings.learn_entrypoints(&told);
        }
        let points = settings.entrypoints.clone();
        assert!(points.iter().all(|point| settings.entrypoint(&point.name).is_some()));
    }
});
