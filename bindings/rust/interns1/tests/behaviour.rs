//! Lifetimes, threads, errors, panics: with the checkpoint that ships, which `INTERNS1_MODEL` may name elsewhere.

use interns1::*;
use std::ffi::{c_void, CString};
use std::os::raw::{c_char, c_int};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

fn path() -> String {
    std::env::var("INTERNS1_MODEL").unwrap_or("../../../examples/demo-model/interns1-demo".into())
}

fn opened() -> (Runtime, Model) {
    let runtime = Runtime::new().unwrap();
    let model = Model::open(&runtime, path()).unwrap();
    (runtime, model)
}

fn session() -> Session {
    Session::new(&Decoder::new(&opened().1).unwrap()).unwrap()
}

#[test]
fn events_come_one_by_one() {
    let (_, model) = opened();
    let mut chat = Chat::new(&model).unwrap();
    let question = [Message::new("user", "What is the molecular formula of <SMILES>CCO</SMILES>?")];
    let events: Vec<Event> = chat.stream(&question).unwrap().collect::<Result<_>>().unwrap();
    let text: String = events.iter().filter(|e| e.kind == EventKind::Text).map(|e| e.text.as_str()).collect();
    assert_eq!(text, "C2H6O");
    assert_eq!(events.last().unwrap().kind, EventKind::End);
    assert_eq!(events.last().unwrap().end_reason, sys::INS1_END_EOS);
    assert_eq!(chat.reply(&question).unwrap().to_string(), "C2H6O");
}

#[test]
fn handles_end_in_any_order() {
    let (runtime, model) = opened();
    let tokenizer = Tokenizer::new(&model).unwrap();
    let decoder = Decoder::new(&model).unwrap();
    let mut session = Session::new(&decoder).unwrap();
    let prompt = Prompt::new(&tokenizer, &[Message::new("user", "x")]).unwrap();
    drop((runtime, model, decoder, tokenizer));
    session.prefill_prompt(0, &prompt).unwrap();
    let embeds = session.embeds(0, sys::INS1_POOL_LAST).unwrap();
    drop(session);
    assert_eq!(embeds.read().unwrap().len(), embeds.info().unwrap().dim);
    assert_eq!(prompt.ids().unwrap().len(), prompt.text().map(|_| prompt.ids().unwrap().len()).unwrap());
}

#[test]
fn threads_share_a_decoder() {
    let (_, model) = opened();
    let decoder = Decoder::new(&model).unwrap();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let decoder = decoder.clone();
            std::thread::spawn(move || {
                let mut session = Session::new(&decoder).unwrap();
                session.prefill(0, &[1, 2, 3]).unwrap();
                session.logits(0).unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            })
        })
        .collect();
    let all: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(all.iter().all(|bits| *bits == all[0]));
}

#[test]
fn errors_have_text() {
    let (runtime, model) = opened();
    let error = Model::open(&runtime, "/nowhere").unwrap_err();
    assert_eq!((error.name(), error.os_errno), ("INS1_E_IO", 2));
    assert!(error.to_string().contains("/nowhere"), "{}", error);
    let mut session = Session::new(&Decoder::new(&model).unwrap()).unwrap();
    assert!(session.step(0, 1_000_000).unwrap_err().to_string().contains("1000000"));
    assert_eq!(Model::open(&runtime, "a\0b").unwrap_err().status, sys::INS1_E_ARGUMENT);
}

#[test]
fn forks_snapshots_and_scores_agree() {
    let decoder = Decoder::new(&opened().1).unwrap();
    let options = SessionOptions { n_seq: 3, n_ctx: 128, ..Default::default() };
    let mut session = Session::with(&decoder, options).unwrap();
    session.prefill(0, &[1, 2, 3, 4]).unwrap();
    session.fork(0, 1).unwrap();
    assert_eq!(session.truncate(1, 2).unwrap(), 2);
    session.prefill_many(&[Feed { seq: 1, spans: &[Span::ids(&[3]), Span::ids(&[4])] }]).unwrap();
    let saved = session.save(1).unwrap();
    session.restore(2, &saved).unwrap();
    assert_eq!(session.logits(0).unwrap(), session.logits(2).unwrap());
    session.truncate(2, 0).unwrap();
    let fill = |at: u64, to: &mut [u8]| {
        to.copy_from_slice(&saved[at as usize..at as usize + to.len()]);
        true
    };
    session.restore_from(2, saved.len() as u64, fill).unwrap();
    assert_eq!(session.logits(0).unwrap(), session.logits(2).unwrap());
    let error = session.restore_from(2, saved.len() as u64, |_, _| false).unwrap_err();
    assert_eq!(error.status, sys::INS1_E_IO);
    let whole: f32 = session.score(0, &[5, 6]).unwrap().iter().sum();
    assert!((whole - session.score_many(0, &[&[5, 6], &[7]]).unwrap()[0]).abs() < 1e-4);
    assert_eq!(session.length(0).unwrap(), 4);
    session.step_many(&[(0, 1), (1, 1)]).unwrap();
    assert_eq!(session.logits(0).unwrap(), session.logits(1).unwrap());
}

struct Mine;

fn panics(work: impl FnOnce()) -> bool {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    result.err().map_or(false, |panic| panic.is::<Mine>())
}

#[test]
fn panics_of_callbacks_come_out() {
    let mut session = session();
    assert!(panics(|| {
        let call = Call::new().progress(|_, _, _| std::panic::panic_any(Mine));
        drop(call.run(|| session.prefill(0, &[1, 2])));
    }));
    session.truncate(0, 0).unwrap();
    session.prefill(0, &[1]).unwrap();
    assert!(panics(|| drop(session.save_to(0, |_| std::panic::panic_any(Mine)))));
    assert!(panics(|| drop(session.restore_from(0, 100, |_, _| std::panic::panic_any(Mine)))));
    session.truncate(0, 0).unwrap();
    session.prefill(0, &[1]).unwrap();
    let runtime = Runtime::new().unwrap();
    let mask = Some(Box::new(|_: &[i32], _: &mut Mask<'_>| std::panic::panic_any(Mine)) as Box<_>);
    let mut sampler = Sampler::new(&runtime, SamplerOptions { mask, ..Default::default() }).unwrap();
    assert!(panics(|| drop(sampler.pick(session.logits(0).unwrap()))));
    assert_eq!(session.length(0).unwrap(), 1);
}

#[test]
fn a_mask_decides() {
    let mut session = session();
    session.prefill(0, &[1, 2]).unwrap();
    let mask: Option<Box<dyn FnMut(&[i32], &mut Mask<'_>) + Send>> =
        Some(Box::new(|_, mask| mask.only(&[17, 18])));
    let mut sampler =
        Sampler::new(&Runtime::new().unwrap(), SamplerOptions { mask, ..Default::default() }).unwrap();
    assert!([17, 18].contains(&sampler.pick(session.logits(0).unwrap()).unwrap().token));
}

#[test]
fn calls_are_stopped() {
    let (runtime, model) = opened();
    let mut session =
        Session::with(&Decoder::new(&model).unwrap(), SessionOptions { n_ctx: 4096, ..Default::default() })
            .unwrap();
    let token = Cancel::new(&runtime).unwrap();
    assert!(!token.is_requested());
    let thread = {
        let token = token.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            token.request();
        })
    };
    let long = vec![1; 4000];
    let error = Call::new().cancel(&token).run(|| session.prefill(0, &long)).unwrap_err();
    thread.join().unwrap();
    assert_eq!(error.status, sys::INS1_E_CANCELED);
    assert!(token.is_requested());
    token.reset();
    assert!(!token.is_requested());
    session.truncate(0, 0).unwrap();
    let short = Duration::from_micros(10);
    let error = Call::new().timeout(short).run(|| session.prefill(0, &long)).unwrap_err();
    assert_eq!(error.status, sys::INS1_E_DEADLINE);
    session.truncate(0, 0).unwrap();
    let mut heard = Vec::new();
    Call::new()
        .progress(|phase, done, total| {
            heard.push((phase, done, total));
            true
        })
        .run(|| session.prefill(0, &[1, 2, 3]))
        .unwrap();
    assert_eq!(heard.last(), Some(&(sys::INS1_PHASE_PREFILL, 3, 3)));
}

#[test]
fn a_folder_may_be_memory() {
    let runtime = Runtime::new().unwrap();
    let files: Vec<(String, File)> = std::fs::read_dir(path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let bytes = Box::leak(std::fs::read(entry.path()).unwrap().into_boxed_slice());
            (entry.file_name().into_string().unwrap(), File::Bytes(bytes))
        })
        .collect();
    let named: Vec<_> = files.iter().map(|(name, file)| (name.as_str(), file.clone())).collect();
    let model = Model::open_files(&runtime, &named, ModelOptions::default()).unwrap();
    let text = Tokenizer::new(&model).unwrap();
    let ids = text.encode_special("<SMILES>CCO</SMILES>").unwrap();
    assert_eq!(text.decode(&ids, 0).unwrap(), "<SMILES>CCO</SMILES>");
    let mut pieces = Detokenizer::new(&text, 0).unwrap();
    let joined: String = ids.iter().map(|&id| pieces.push(&[id]).unwrap()).collect();
    assert_eq!(joined + &pieces.flush().unwrap(), "<SMILES>CCO</SMILES>");
}

#[test]
fn replies_are_read() {
    let tokenizer = Tokenizer::new(&opened().1).unwrap();
    let mut parser = ReplyParser::new(&tokenizer, 0, Some("qwen3")).unwrap();
    let mut reply = Reply::default();
    let text = "yes<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>";
    for piece in text.as_bytes().chunks(5) {
        parser.push(piece).unwrap();
        while let Some(event) = parser.next_event().unwrap() {
            reply.add(&event);
        }
    }
    parser.finish().unwrap();
    loop {
        let event = parser.next_event().unwrap().unwrap();
        reply.add(&event);
        if event.kind == EventKind::End {
            break;
        }
    }
    assert_eq!(reply.text, "yes");
    assert_eq!(reply.tool_calls, [ToolCall { name: "f".into(), arguments: "{\"a\": 1}".into() }]);
}

#[test]
fn a_backend_that_is_linked_in_is_registered() {
    unsafe extern "C" fn newer(_: u32, _: *const sys::ins1_host_api, _: *mut sys::ins1_backend_api) -> i32 {
        sys::INS1_E_VERSION
    }
    unsafe extern "C" fn empty(_: u32, _: *const sys::ins1_host_api, _: *mut sys::ins1_backend_api) -> i32 {
        sys::INS1_OK
    }
    let (runtime, _) = opened();
    let error = unsafe { runtime.register_backend(empty) }.unwrap_err();
    assert_eq!(error.status, sys::INS1_E_STATE, "a model was opened before");
    let runtime = Runtime::new().unwrap();
    let error = unsafe { runtime.register_backend(newer) }.unwrap_err();
    assert_eq!(error.status, sys::INS1_E_VERSION);
    let error = unsafe { runtime.register_backend(empty) }.unwrap_err();
    assert_eq!(error.status, sys::INS1_E_ARGUMENT, "the table is empty");
    assert_eq!(runtime.devices().unwrap().len(), 1);
}

extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// With the plugin that `INTERNS1_PLUGIN` names, where it does: opened by the library, and by the host.
#[test]
fn a_backend_is_loaded_and_registered() {
    let plugin = match std::env::var("INTERNS1_PLUGIN") {
        Ok(path) => path,
        Err(_) => return,
    };
    let loaded = Runtime::new().unwrap();
    unsafe { loaded.load_backend(plugin.as_ref()) }.unwrap();
    let devices = loaded.devices().unwrap();
    assert_eq!(devices.len(), 2);
    assert_eq!(loaded.find_device(&devices[1].name).unwrap(), 1);
    let again = unsafe { loaded.load_backend(plugin.as_ref()) }.unwrap_err();
    assert_eq!(again.status, sys::INS1_E_STATE, "{}", again);

    let path = CString::new(plugin).unwrap();
    let name = CString::new("ins1_backend_entry").unwrap();
    let registered = Runtime::new().unwrap();
    unsafe {
        let library = dlopen(path.as_ptr(), 2);
        assert!(!library.is_null());
        let entry = dlsym(library, name.as_ptr());
        assert!(!entry.is_null());
        registered.register_backend(std::mem::transmute::<*mut c_void, BackendEntry>(entry)).unwrap();
    }
    assert_eq!(registered.devices().unwrap()[1].name, devices[1].name);
}

#[test]
fn dlpack_goes_both_ways() {
    let runtime = Runtime::new().unwrap();
    let info = EmbedsInfo {
        dtype: 0,
        n_tokens: 2,
        dim: 3,
        modality: sys::INS1_MODALITY_IMAGE,
        grid: [1, 2, 1],
        times: Vec::new(),
    };
    let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let embeds = Embeds::from_f32(&runtime, &info, &rows).unwrap();
    let tensor = embeds.to_dlpack().unwrap();
    drop(embeds);
    let again = unsafe { Embeds::from_dlpack(&runtime, tensor, Some(&info)) }.unwrap();
    assert_eq!(again.read().unwrap(), rows);
    let said = again.info().unwrap();
    assert_eq!((said.n_tokens, said.dim, said.grid), (2, 3, [1, 2, 1]));
    let tensor = again.to_dlpack().unwrap();
    let plain = unsafe { Embeds::from_dlpack(&runtime, tensor, None) }.unwrap();
    assert_eq!(plain.read().unwrap(), rows);
    assert_eq!(plain.info().unwrap().grid, [0, 0, 0]);
}

#[test]
fn a_batch_gives_the_replies_of_its_sequences_alone() {
    let (runtime, model) = opened();
    let tokenizer = Tokenizer::new(&model).unwrap();
    let decoder = Decoder::new(&model).unwrap();
    let asked = [
        "What is the molecular formula of <SMILES>CCO</SMILES>?",
        "How many rings does <SMILES>C1CCCCC1</SMILES> have?",
    ];
    let prompts: Vec<_> =
        asked.iter().map(|text| Prompt::new(&tokenizer, &[Message::new("user", *text)]).unwrap()).collect();
    let mut session = Session::with(&decoder, SessionOptions { n_seq: 2, ..Default::default() }).unwrap();
    let mut running = Vec::new();
    for (seq, prompt) in prompts.iter().enumerate() {
        session.prefill_prompt(seq as i32, prompt).unwrap();
        let sampler = Sampler::greedy(&runtime).unwrap();
        let options = StreamOptions { reply_flags: prompt.reply_flags().unwrap(), ..Default::default() };
        let stream = BatchStream::open(&session, seq as i32, &tokenizer, &sampler, &options).unwrap();
        running.push((stream, sampler, Reply::default()));
    }
    while !running.iter().all(|(stream, _, _)| stream.has_ended()) {
        let mut steps = Vec::new();
        for (seq, (stream, sampler, reply)) in running.iter_mut().enumerate() {
            if stream.has_ended() {
                continue;
            }
            let token = sampler.pick(session.logits(seq as i32).unwrap()).unwrap().token;
            let mut event = stream.accept(&session, sampler, token).unwrap();
            while event.kind != EventKind::None && event.kind != EventKind::End {
                reply.add(&event);
                event = stream.waiting(&session, sampler).unwrap();
            }
            if !stream.has_ended() {
                steps.push((seq as i32, token));
            }
        }
        if !steps.is_empty() {
            session.step_many(&steps).unwrap();
        }
    }
    assert_eq!(running[0].2.text, "C2H6O");
    assert_eq!(running[1].2.text, "1");
}

#[test]
#[should_panic(expected = "opened with")]
fn a_stream_of_another_session_is_refused() {
    let (runtime, model) = opened();
    let tokenizer = Tokenizer::new(&model).unwrap();
    let decoder = Decoder::new(&model).unwrap();
    let mut one = Session::new(&decoder).unwrap();
    one.prefill(0, &[1, 2]).unwrap();
    let other = Session::new(&decoder).unwrap();
    let mut sampler = Sampler::greedy(&runtime).unwrap();
    let mut stream = BatchStream::open(&one, 0, &tokenizer, &sampler, &StreamOptions::default()).unwrap();
    drop(stream.accept(&other, &mut sampler, 1));
}

#[test]
fn a_video_becomes_the_tokens_that_were_said() {
    let (runtime, model) = opened();
    let mut encoder = VisionEncoder::new(&model).unwrap();
    let pixels: Vec<u8> = (0..64 * 64 * 3).map(|i| (i % 251) as u8).collect();
    let frames = [Image::from_u8(&pixels, 64, 64, 3); 4];
    let n = encoder.video_tokens(&frames, 2.0, sys::INS1_VIDEO_ALL_FRAMES).unwrap();
    let embeds = encoder.encode_video(&frames, 2.0, sys::INS1_VIDEO_ALL_FRAMES).unwrap();
    assert_eq!(embeds.info().unwrap().n_tokens, n);
    drop(runtime);
}

#[test]
fn a_version_is_a_text_and_a_number() {
    let parts: Vec<u32> =
        version().split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).take(3).collect();
    assert_eq!(version_number(), parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2], "{}", version());
}
