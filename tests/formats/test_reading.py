"""Files of other programs become what metrics compare, or one line says why not."""

import numpy as np
import pytest
import torch
from helpers.foreign import DRIVEN, INPUTS, STEPS, TRIALS, UNITS, driven, kinds, put
from safetensors.torch import save_file

from popnet.config import ConfigError
from popnet.formats import read_folder


def by_name(folder):
    return {network.name: network for network in read_folder(folder).networks}


def refusal(folder):
    with pytest.raises(ConfigError) as caught:
        read_folder(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_psychrnn_s_file_is_read_without_its_pickles(tmp_path):
    """Their npz holds a Python function and None: neither is ever loaded."""
    function = np.array(print, dtype=object)
    masks = {
        "rec_connectivity": np.ones((UNITS, UNITS)),
        "init_state": np.ones((1, UNITS)),
    }
    folder = put(
        tmp_path / "f", kinds(), transfer_function=function,
        dale_ratio=np.array(None, dtype=object), **masks,
    )  # fmt: skip
    read = read_folder(folder)
    assert read.notes == ()  # the masks are applied already, and known
    for name, arrays in kinds().items():
        subject = by_name(folder)[name].subject
        np.testing.assert_allclose(subject.final_NN, arrays["W_rec"], rtol=1e-6)
        assert subject.initial_NN is None and subject.trained_BTN is None


def plain_loop(arrays, inputs_BTI, dt_s=0.01, tau_s=0.05):
    """x' = x + a (-x + W tanh(x) + W_in u), trial by trial and step by step."""
    rates = np.zeros((len(inputs_BTI), inputs_BTI.shape[1], UNITS))
    for trial, inputs_TI in enumerate(inputs_BTI):
        x = np.zeros(UNITS)
        for step, u in enumerate(inputs_TI):
            total = arrays["W_rec"] @ np.tanh(x) + arrays["W_in"] @ u + arrays["b_rec"]
            x = x + dt_s / tau_s * (total - x)
            rates[trial, step] = np.tanh(x)
    return rates


@pytest.mark.parametrize("axes", ["trial, time, input", "time, input, trial"])
def test_networks_are_run_on_the_stated_inputs(tmp_path, axes):
    stated = f"{DRIVEN}input_axes: [{axes}]\ntrial_types: [1, 0, 1, 0]\n"
    folder = driven(tmp_path / "f", kinds(), stated)
    inputs_BTI = np.load(folder / "drive.npy")
    if not axes.startswith("trial"):
        np.save(folder / "drive.npy", inputs_BTI.transpose(1, 2, 0))
    for name, network in by_name(folder).items():
        arrays, subject = kinds()[name], network.subject
        expected = plain_loop(arrays, inputs_BTI)
        np.testing.assert_allclose(subject.trained_BTN, expected, atol=1e-6)
        means = [expected[1::2].mean(0), expected[::2].mean(0)]  # type 0, then 1
        np.testing.assert_allclose(subject.trained_KTN, means, atol=1e-6)
        output = (expected @ arrays["W_out"].T).reshape(TRIALS, STEPS)
        np.testing.assert_allclose(subject.response, output, atol=1e-5)
        np.testing.assert_allclose(subject.input_BTI, inputs_BTI, atol=1e-6)


def test_torch_s_own_network_runs_as_torch_runs_it(tmp_path):
    """A state_dict of torch.nn.RNN: the rate form with tau = dt."""
    stated = "inputs: drive.npy\ndt_s: 1\ntau_s: 1\nform: rate\nnonlinearity: tanh\n"
    folder = driven(tmp_path / "f", {}, stated)
    inputs = torch.from_numpy(np.load(folder / "drive.npy")).float()
    expected = {}
    for seed in range(2):
        torch.manual_seed(seed)
        rnn = torch.nn.RNN(INPUTS, UNITS, batch_first=True)
        whole = torch.nn.ModuleDict({"rnn": rnn})
        save_file(whole.state_dict(), folder / f"net{seed}.safetensors")
        expected[f"net{seed}"] = rnn(inputs)[0].detach().numpy()
    for name, network in by_name(folder).items():
        rates_BTN = network.subject.trained_BTN
        np.testing.assert_allclose(rates_BTN, expected[name], atol=1e-5)


def test_recordings_of_each_kind_are_one(tmp_path):
    """A file, a permuted file and a file per trial hold the same activity."""
    rates_BTN = np.random.default_rng(1).random((3, 6, 5)).astype(np.float32)
    plain, turned = tmp_path / "plain", tmp_path / "turned"
    for folder in (plain, turned):
        folder.mkdir()
    np.save(plain / "one.npy", rates_BTN)
    np.savez(plain / "two.npz", rates=rates_BTN, time_s=np.arange(6))
    (plain / "three").mkdir()
    for trial, rates_TN in enumerate(rates_BTN):
        np.save(plain / "three" / f"trial{trial}.npy", rates_TN)
    for name in ("one", "two"):
        np.save(turned / f"{name}.npy", np.asfortranarray(rates_BTN.transpose(2, 0, 1)))
    (turned / "compare.yaml").write_text("axes: [unit, trial, time]\n")
    for network in (*read_folder(plain).networks, *read_folder(turned).networks):
        np.testing.assert_array_equal(network.subject.trained_BTN, rates_BTN)
        np.testing.assert_array_equal(network.subject.trained_KTN, rates_BTN)


def test_what_was_assumed_or_not_understood_is_noted(tmp_path):
    stated = DRIVEN.replace("nonlinearity: tanh\n", "")
    folder = driven(tmp_path / "f", kinds(), stated, mystery=np.ones(3))
    (folder / "old.pt").write_bytes(b"\x80\x02")
    broken = {**kinds()["a0"], "W_rec": np.full((UNITS, UNITS), np.nan)}
    np.savez(folder / "broken.npz", **broken)
    read = read_folder(folder)
    said = " | ".join(read.notes)
    assert "relu is assumed" in said and "a0.npz: not understood: mystery" in said
    assert "not read: old.pt" in said and "broken.npz: left out" in said
    assert "broken" not in {network.name for network in read.networks}


def changed(**arrays):
    return {**kinds()["a0"], **arrays}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (changed(W_rec=np.ones((3, 4))), "W_rec has shape (3, 4); expected (N, N)."),
        (changed(W_in=np.ones((4, 2))), "W_in has shape (4, 2); expected (10, I)."),
        (changed(b_rec=np.ones(4)), "b_rec has shape (4,); expected (10,)."),
        ({"weight_hh_l0": np.ones((40, 10))}, "cells with gates cannot be compared"),
        ({"x": np.ones((2, 2)), "y": np.ones(2)}, "no recurrent weights or rates"),
        ({"rates": np.ones((2, 2))}, "got shape (2, 2); expected three axes"),
        (changed(W_in=np.ones((10, 3))), "has 3 inputs, drive.npy has 2."),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_in_one_line(tmp_path, arrays, words):
    folder = driven(tmp_path / "f", kinds())
    np.savez(folder / "bad.npz", **arrays)
    text = refusal(folder)
    assert text.startswith(f"{folder / 'bad.npz'}: ") and words in text


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("nonlinarity: tanh", "line 1: nonlinarity: unknown key. Did you mean 'nonl"),
        ("dt_s: 0.1", "dt_s: networks are run only where inputs are given"),
        ("inputs: ../drive.npy\ndt_s: 1", "expected the name of an .npy or .npz file"),
        ("inputs: drive.npy", "dt_s: is missing"),
        ("inputs: drive.npy\ndt_s: 0.1", "holds no tau_s; state it in compare.yaml"),
        ("axes: [trial, unit]", "name each of trial, time and unit once"),
        ("axes: [unit, time, trial]", "axes: nothing in the folder has a use for it"),
        ("conditions: {x: z9}", "conditions.x: no network of that name"),
        ("fixed_units: [10]", "its units are 0 to 9."),
        ("names: {input: B}", "no array 'B', which compare.yaml names as input"),
        ("weights: sideways", "allowed 'post_pre' or 'pre_post'"),
    ],
)
def test_a_wrong_statement_is_refused(tmp_path, stated, words):
    folder = driven(tmp_path / "f", kinds(), stated)
    if "inputs" not in stated or "../" in stated:
        (folder / "drive.npy").unlink()
    assert words in refusal(folder)


def test_weights_may_stand_the_other_way_round(tmp_path):
    turned = {
        name: {k: v.T if v.ndim == 2 else v for k, v in arrays.items()}
        for name, arrays in kinds().items()
    }
    one = by_name(driven(tmp_path / "one", kinds()))
    other = by_name(driven(tmp_path / "two", turned, f"{DRIVEN}weights: pre_post\n"))
    assert {n: k.content for n, k in one.items()} == {
        n: k.content for n, k in other.items()
    }


def test_popnet_s_own_export_runs_as_popnet_runs_it(tmp_path):
    """Both stages are read, with each unit's own time constant."""
    import popnet as pn
    from popnet.core.cell import pick
    from popnet.store.parameters import tensors_of

    network = {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.05, "spread": 0.3}}
    network["initial_state"] = 0.0
    nets = pn.draw("dnms", networks=2, network=network)
    recorded = pn.record(nets)
    folder = tmp_path / "f"
    folder.mkdir()
    np.save(folder / "drive.npy", recorded.input_PBTI[0])
    net = nets.members[0].config.network
    (folder / "compare.yaml").write_text(
        f"inputs: drive.npy\ndt_s: 0.01\nnonlinearity: {net.nonlinearity}\n"
        f"clamped: {net.clamped}\noutput_unit: {net.readout.unit}\n"
    )
    assert net.clamped and net.readout.kind == "unit"
    for place, key in enumerate(nets.key_P):
        arrays = tensors_of(pick(nets.params, torch.tensor([place])))
        stages = {f"final.{n}": a for n, a in arrays.items()}
        stages |= {f"initial.{n}": a for n, a in arrays.items()}
        stages["initial.recurrent"] = 0 * arrays["recurrent"]
        np.savez(folder / f"{key}.npz", settings=np.array("{}"), **stages)
    read = read_folder(folder)
    assert read.notes == ()
    for key, rates_BTN in zip(nets.key_P, recorded.rates_PBTN, strict=True):
        subject = by_name(folder)[key].subject
        np.testing.assert_allclose(subject.trained_BTN, rates_BTN, atol=1e-5)
        assert subject.fixed_units == (0, *net.clamped)
        output_BT = recorded.output_PBTO[nets.key_P.index(key), ..., 0]
        np.testing.assert_allclose(subject.response, output_BT, atol=1e-5)
        assert not subject.initial_NN.any() and subject.final_NN.any()
        # without recurrent weights the network as drawn does something else
        assert abs(subject.untrained_BTN - rates_BTN).max() > 0.01
