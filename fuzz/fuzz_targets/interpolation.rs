//! Interpolation never panics, leaves text without a `$` alone, and looks at no value a second time.
#![no_main]

use bgd::config::interpolate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let env = |name: &str| (name.len() % 2 == 1).then(|| "${NO}".to_owned());
    let result = interpolate(text, &env);
    if !text.contains('$') {
        assert_eq!(result.as_deref(), Ok(text));
    }
    assert_eq!(interpolate(&text.replace('$', "$$"), &env).as_deref(), Ok(text));
});
