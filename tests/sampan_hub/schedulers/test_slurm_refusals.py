"""A no has a sentence for people; what is no answer is none, and never taken for a no."""

from __future__ import annotations

import pytest

from sampan.errors import Refused, Unavailable
from sampan_hub.schedulers.slurm_refusals import NO_ANSWERS, REFUSALS
from tests.sampan_hub.schedulers.slurm_answers import SPEC, dialect, failed

POLICY = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("invalid partition specified: nosuch", "{no}Invalid partition name specified"), "batch.queue"),
        (("{no}Invalid account or account/partition combination specified",), "batch.account"),
        (
            ("CPU count per node can not be satisfied", "{no}Requested node configuration is not available"),
            "batch.impossible",
        ),
        (("Invalid generic resource (gres) specification",), "batch.accelerator"),
        (
            (
                "jobs here must ask for a DCU: --gres=dcu:1",
                "{no}Invalid generic resource (gres) specification",
            ),
            "batch.accelerator",
        ),
        (("{no}Invalid qos specification",), "batch.not_allowed"),
        (("{no}Requested reservation is invalid",), "batch.reservation"),
        (("{no}Invalid feature specification",), "batch.option"),
        (("QOSMaxCpuPerUserLimit", f"{{no}}{POLICY}"), "batch.limits"),
        (("QOSMaxWallDurationPerJobLimit", f"{{no}}{POLICY}"), "batch.too_long"),
        (("AssocMaxSubmitJobLimit", f"{{no}}{POLICY}"), "batch.limits"),
        ((f"{{no}}{POLICY}",), "batch.limits"),
        (("{no}Requested time limit is invalid (missing or exceeds some limit)",), "batch.too_long"),
        (("{no}Access/permission denied",), "batch.not_allowed"),
        (("{no}Required partition not available (inactive or drain)",), "batch.queue_closed"),
        (("{no}User's group not permitted to use this partition",), "batch.not_allowed"),
        (("{no}Something that the Slurm of tomorrow says",), "scheduler.refused"),
        (("{no}Unspecified error",), "scheduler.refused"),
    ],
)
def test_a_refusal_has_a_sentence_and_keeps_the_words_for_the_log(lines: tuple[str, ...], code: str) -> None:
    """`{no}` stands for what the controller's own words follow."""
    told = [line.replace("{no}", "Batch job submission failed: ") for line in lines]
    with pytest.raises(Refused) as caught:
        dialect().submit(SPEC).parse(failed("".join(f"sbatch: error: {line}\n" for line in told)))
    assert caught.value.code == code
    assert lines[-1].removeprefix("{no}") in caught.value.cause
    assert "gres" not in caught.value.message.say("en")


@pytest.mark.parametrize(
    "stderr",
    [
        "sbatch: unrecognized option '--foo=bar'\nTry \"sbatch --help\" for more information\n",
        "sbatch: error: Invalid --time specification\n",
    ],
)
def test_an_option_that_the_centre_s_sbatch_does_not_know(stderr: str) -> None:
    with pytest.raises(Refused) as caught:
        dialect().submit(SPEC).parse(failed(stderr, 255))
    assert caught.value.code == "batch.option"


@pytest.mark.parametrize(
    "stderr",
    [
        "",
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n",
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n",
        "sbatch: error: Batch job submission failed: Connection refused\n",
        "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received\n",
        "sbatch: error: Unable to create job record, try again\n",
        "sbatch: error: s_p_parse_file: cannot stat file /nonexist: No such file or directory\n",
        'sbatch: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2"\n',
        "sbatch: error: ClusterName needs to be specified\nsbatch: fatal: Unable to process configuration file\n",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
        "allocation failure: Unable to contact slurm controller (connect failure)\n",
        "sudo: a password is required\n",
        "Batch job submission failed: Invalid account\n",
        "bash: sbatch: command not found\n",
        # Two lines, one of which says that the controller could not be asked.
        "sbatch: error: Invalid partition name specified\nsbatch: error: Connection timed out\n",
    ],
)
def test_what_is_no_refusal_is_no_answer(stderr: str) -> None:
    """Said no to or not asked: the first ends an attempt, after the second the job is looked for by its name."""
    for ask in (dialect().submit(SPEC), dialect().expected_start(SPEC), dialect().cancel("1", "a")):
        with pytest.raises(Unavailable):
            ask.parse(failed(stderr))


@pytest.mark.parametrize("text", REFUSALS)
def test_each_text_that_refuses(text: str) -> None:
    with pytest.raises(Refused) as caught:
        dialect().submit(SPEC).parse(failed(f"sbatch: error: Batch job submission failed: {text}\n"))
    assert caught.value.code == REFUSALS[text]


@pytest.mark.parametrize("text", NO_ANSWERS)
def test_each_text_that_does_not_answer(text: str) -> None:
    with pytest.raises(Unavailable):
        dialect().submit(SPEC).parse(failed(f"sbatch: error: Batch job submission failed: {text}…\n"))
