//! Lifetimes, threads, errors, panics: with the checkpoint that ships, which `INTERNS1_MODEL` may name elsewhere.

use interns1::*;
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
