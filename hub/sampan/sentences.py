"""The table of sentences: code → (English, Chinese). Sorted within its sections; a test checks parameters and coverage.

Say what happened, then what to do next. No scheduler words where a person without Slurm knowledge reads them.
"""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    # text: a name or a remark that came in both languages
    "text": ("{en}", "{zh}"),
    # need.*: what a person asked for cannot be read
    "need.once": (
        "“{field}” must be given once, as a short text or a number. Please correct it and start again.",
        "“{field}”只能给出一次，且应为短文本或数字。请改正后再启动。",
    ),
    "need.unknown_field": (
        "There is no option called “{field}”. Known options: {known}.",
        "没有名为“{field}”的选项。可用的选项有：{known}。",
    ),
    "need.not_a_number": (
        "“{field}” must be {expected}; {value} is not. Please correct it and start again.",
        "“{field}”应为{expected}，而 {value} 不符合。请改正后再启动。",
    ),
    "need.not_a_name": (
        "“{field}” must be a short name of letters, digits, dots and dashes; {value} is not.",
        "“{field}”应为由字母、数字、点和短横组成的短名称，而 {value} 不符合。",
    ),
    "need.too_large": (
        "The request is too large ({size} bytes; at most {limit}).",
        "请求过大（{size} 字节，最多 {limit} 字节）。",
    ),
    "need.too_many": (
        "“{field}” names {count} entries; at most {limit} can be asked for at once.",
        "“{field}”列出了 {count} 项，一次最多 {limit} 项。",
    ),
    "need.version": (
        "This link was made for version {value} of our links; this hub reads version {known}. Choose again on the start page.",
        "此链接为第 {value} 版格式，而本平台只识别第 {known} 版。请在启动页重新选择。",
    ),
    "need.unknown_plan": (
        "There is no plan called {value}. Plans here: {known}.",
        "没有名为 {value} 的套餐。可用套餐：{known}。",
    ),
    # place.*: reasons of a placement, for a centre
    "place.software": ("It has no software called “{want}”.", "这里没有名为“{want}”的软件环境。"),
    "place.data": ("It holds the data you named.", "这里存有您指定的数据。"),
    "place.fits_now": (
        "Has room now: {free} of {total} cores are free.",
        "现在有空位：{total} 核中有 {free} 核空闲。",
    ),
    "place.queue": (
        "No room right now; {ahead} ahead of you. It will start by itself.",
        "目前没有空位，前面还有 {ahead} 个等待者，轮到时会自动启动。",
    ),
    "place.next": (
        "No room right now; you are next. It will start by itself.",
        "目前没有空位，下一个就是您，轮到时会自动启动。",
    ),
    "place.queue_expected": (
        "No room right now; {ahead} ahead of you. By its own plan it starts in about {about}.",
        "目前没有空位，前面还有 {ahead} 个等待者；按该中心的排程，约 {about}后启动。",
    ),
    "place.next_expected": (
        "No room right now; you are next. By its own plan it starts in about {about}.",
        "目前没有空位，下一个就是您；按该中心的排程，约 {about}后启动。",
    ),
    "place.fits_now_cards": (
        "Has room now: {free} of {total} “{kind}” accelerators are free.",
        "现在有空位：{total} 张“{kind}”加速卡中有 {free} 张空闲。",
    ),
    "place.unkept": (
        "It says that it has room, and did not start what was sent there {about} ago. It stands behind the others for a while.",
        "它声称有空位，但约 {about}前提交的任务未能启动。因此暂时排在其他中心之后。",
    ),
    "place.failed_lately": (
        "Starts failed there, the last one about {about} ago. It stands behind the others for a while.",
        "最近在这里启动失败，最近一次约在 {about}前。因此暂时排在其他中心之后。",
    ),
    "place.full": ("No room right now. It will start by itself.", "目前没有空位，轮到时会自动启动。"),
    "place.full_expected": (
        "No room right now. By its own plan it starts in about {about}.",
        "目前没有空位；按该中心的排程，约 {about}后启动。",
    ),
    "place.closes": (
        "Machines close in about {about}, for maintenance or others; {most} or less can start now, this session only afterwards.",
        "机器约 {about}后因维护或预留而停用：{most}以内的会话现在可以启动，本会话要等到停用结束之后。",
    ),
    "place.closing": (
        "Its machines are about to close, for maintenance or others. It will start by itself afterwards.",
        "机器即将因维护或预留而停用，结束后会自动启动。",
    ),
    "place.no_such_share": ("No queue here runs this kind of need.", "这里没有能运行此类需求的队列。"),
    "place.cores": (
        "A single machine here has at most {have} cores; you asked for {want}.",
        "这里单个节点最多 {have} 核，您需要 {want} 核。",
    ),
    "place.memory": (
        "A single machine here has at most {have} GiB of memory; you asked for {want} GiB.",
        "这里单个节点最多 {have} GiB 内存，您需要 {want} GiB。",
    ),
    "place.hours": (
        "Sessions here last at most {have} hours; you asked for {want}.",
        "这里单次最长 {have} 小时，您需要 {want} 小时。",
    ),
    "place.accelerator": ("There is no “{want}” accelerator here.", "这里没有“{want}”加速卡。"),
    "place.accelerators": (
        "A single machine here has at most {have} “{kind}” accelerators; you asked for {want}.",
        "这里单个节点最多 {have} 张“{kind}”加速卡，您需要 {want} 张。",
    ),
    "place.burns": (
        "Whatever runs here takes {count} {kind} with it, used or not.",
        "在这里运行会占用 {count} 张 {kind} 加速卡，无论是否使用。",
    ),
    "place.charged": (
        "For that much memory you get, and are charged, {cores} cores here.",
        "因所需内存较大，这里会分配 {cores} 核并按此计费。",
    ),
    "place.limit_accelerator": (
        "Your account may have at most {have} “{kind}” accelerators here; you asked for {want}.",
        "您的账号在这里最多可用 {have} 张“{kind}”加速卡，您需要 {want} 张。",
    ),
    "place.limit_cores": (
        "Your account may have at most {have} cores here; you asked for {want}.",
        "您的账号在这里最多可用 {have} 核，您需要 {want} 核。",
    ),
    "place.limit_hours": (
        "Your account may run at most {have} hours at a time here; you asked for {want}.",
        "您的账号在这里单次最长 {have} 小时，您需要 {want} 小时。",
    ),
    "place.limit_jobs": (
        "You have {have} running here, as many as your account may at one time. It starts by itself when one of them ends.",
        "您在这里已有 {have} 个任务在运行，达到账号的同时运行上限；其中一个结束后会自动启动。",
    ),
    "place.limit_memory": (
        "Your account may have at most {have} GiB of memory here; you asked for {want} GiB.",
        "您的账号在这里最多可用 {have} GiB 内存，您需要 {want} GiB。",
    ),
    "place.limit_none": (
        "Your account may start nothing here. Ask this centre's operators.",
        "您的账号在这里不能启动任务，请联系该中心的运维人员。",
    ),
    "place.limit_submitted": (
        "You have as many running and waiting here as your account may ({have}). Stop one of them, or take another centre.",
        "您在这里运行和等待的任务已达账号上限（{have} 个）。请先停止一个，或选择其他中心。",
    ),
    "place.no_project": (
        "You are not in the project “{project}” that this queue is charged to. Ask this centre's operators to add you.",
        "您不在此队列计费的项目“{project}”中，请联系该中心的运维人员添加。",
    ),
    "place.no_project_here": (
        "Your account is in no project that may be used here. Ask this centre's operators to add you to one.",
        "您的账号没有可在这里使用的项目，请联系该中心的运维人员添加。",
    ),
    "place.not_pinned": ("You asked for another centre.", "您指定了另一个中心。"),
    "place.unknown": (
        "Its free capacity is unknown just now (last heard {age} s ago).",
        "目前不了解它的空闲情况（上次得到消息是 {age} 秒前）。",
    ),
    "place.unheard": (
        "Nothing has been heard from it since the hub's broker started.",
        "自调度服务启动以来尚未得到它的消息。",
    ),
    "place.unreachable": ("It cannot be reached just now.", "目前无法连接该中心。"),
    "place.draining": ("It takes no new work at the moment.", "该中心暂不接收新任务。"),
    "place.tried": ("It was tried already for this start: {why}", "本次启动已经尝试过：{why}"),
    "place.nowhere": (
        "No centre can run this. {reasons} Ask for less, or choose another plan.",
        "没有中心能满足此需求。{reasons} 请减少需求或换一个套餐。",
    ),
    # wait.*, time.*: how long starts take
    "wait.few": ("So far {starts} starts here took {span}.", "到目前为止有 {starts} 次启动，用时 {span}。"),
    "wait.long": ("That is longer than usual here.", "已超过这里通常的等待时间。"),
    "wait.not_known": ("How long a start takes here is not known yet.", "尚不清楚在这里启动需要多久。"),
    "wait.one": ("The only start here so far took {span}.", "到目前为止仅有 1 次启动，用时 {span}。"),
    "wait.open": ("A start here usually takes {low} or longer.", "在这里启动通常需要 {low}以上。"),
    "wait.planned": (
        "By its own plan in about {about}; how good its plans are is not known yet.",
        "按该中心的排程约 {about}后启动，其排程是否准确尚不清楚。",
    ),
    "wait.remaining": ("Usually another {span} from here.", "通常还需 {span}。"),
    "wait.short_few": ("{span} ({starts} so far)", "{span}（仅 {starts} 次）"),
    "wait.short_plan": ("{about} by its plan", "按排程约 {about}"),
    "wait.short_not_known": ("not known yet", "尚不清楚"),
    "wait.unproven": (
        "How good its plans are is not known yet.",
        "其排程是否准确尚不清楚。",
    ),
    "wait.usual": ("Usually starts within {span}.", "通常在 {span}内启动。"),
    "time.d": ("{n} d", "{n} 天"),
    "time.h": ("{n} h", "{n} 小时"),
    "time.min": ("{n} min", "{n} 分钟"),
    "time.open": ("{low} or longer", "{low}以上"),
    "time.range": ("{low} to {high}", "{low}至 {high}"),
    "time.range_d": ("{low}–{high} d", "{low}–{high} 天"),
    "time.range_h": ("{low}–{high} h", "{low}–{high} 小时"),
    "time.range_min": ("{low}–{high} min", "{low}–{high} 分钟"),
    "time.range_s": ("{low}–{high} s", "{low}–{high} 秒"),
    "time.s": ("{n} s", "{n} 秒"),
    # launch.*: progress of a launch
    "launch.over": (
        "This launch has ended or is to stop already. Start a new one.",
        "此任务已结束或正在停止，请重新启动一个。",
    ),
    "launch.server_by_hub": (
        "A notebook server is started on the hub's own page, or by its API. Open {where}.",
        "笔记本服务由平台页面或其 API 启动。请打开 {where}。",
    ),
    "launch.accepted": ("Your request is in. Looking for a free berth.", "请求已收到，正在寻找空位。"),
    "launch.placed": ("{centre} was chosen: {why}", "已选择{centre}：{why}"),
    "launch.turn": (
        "{centre} takes starts one after another, group by group: yours is number {place}, in about {about}.",
        "{centre}按组轮流、依次接收启动请求：您排第 {place} 位，约 {about}后轮到。",
    ),
    "launch.submitted": (
        "{centre} has accepted the job (number {job}).",
        "{centre}已接受任务（编号 {job}）。",
    ),
    "launch.found_again": (
        "Found again at {centre}, where it goes on.",
        "已在{centre}重新找到，它仍在继续运行。",
    ),
    "launch.not_known_yet": (
        "After a restart, not every centre has told yet what runs there. Please try again in a moment.",
        "平台刚刚重启，还有超算中心尚未报告正在运行的任务，请稍候再试。",
    ),
    "launch.queued": (
        "Waiting for a berth at {centre}: place {place} in the queue.",
        "正在{centre}排队，当前第 {place} 位。",
    ),
    "launch.queued_wait": (
        "Waiting for a berth at {centre}: place {place} in the queue. {wait}",
        "正在{centre}排队，当前第 {place} 位。{wait}",
    ),
    "launch.held_up": ("Waiting at {centre}. {why}", "正在{centre}等待。{why}"),
    "launch.paused": (
        "{centre} has paused your session. Nothing is lost; it goes on by itself.",
        "{centre}已暂停您的会话。内容不会丢失，之后会自动继续。",
    ),
    "launch.queued_unseen": (
        "Waiting for a berth at {centre}, which does not tell the place in its queue. {wait}",
        "正在{centre}排队，该中心不公开排队位置。{wait}",
    ),
    "launch.running": (
        "The job runs at {centre}, on {node}. Starting up.",
        "任务已在{centre}的 {node} 上运行，正在启动。",
    ),
    "launch.reachable": (
        "Connected to the job at {centre}. Opening your notebook.",
        "已连接到{centre}的任务，正在打开笔记本。",
    ),
    "launch.ready": ("Ready at {centre}.", "已就绪：{centre}。"),
    "launch.ready_again": (
        "A new session is ready at {centre}. Files are as you saved them; variables are gone, so run your notebooks again.",
        "新会话已就绪：{centre}。文件保持上次保存的内容，原会话的变量已不存在，请重新运行笔记本。",
    ),
    "launch.server_again": (
        (
            "The session's Jupyter server at {centre} was killed and is being started again in the same job. "
            "Kernels at other centres go on."
        ),
        "{centre}的会话服务进程被终止，正在同一任务内重新启动。其他中心的内核继续运行。",
    ),
    "launch.server_back": (
        (
            "The session at {centre} is back, in the same job. "
            "Kernels that ran in it have started anew; those at other centres kept their variables."
        ),
        "{centre}的会话已在同一任务内恢复。在其中运行的内核已重新开始；其他中心的内核保留了变量。",
    ),
    "launch.moving": (
        "A new session of {hours} h is being started at {centre}; this one ends when it is there. Save: variables are not carried.",
        "正在{centre}启动 {hours} 小时的新会话，就绪后当前会话结束。请保存笔记本：变量不会带过去。",
    ),
    "launch.giving_way": (
        "The new session at {centre} is there, and this one ends now. Files stay as you saved them; variables are not carried.",
        "{centre}的新会话已就位，当前会话现在结束。文件保持上次保存的内容，变量不会带过去。",
    ),
    "launch.moving_over": (
        "The former session has ended; the new one at {centre} is opening.",
        "原会话已结束，正在打开{centre}的新会话。",
    ),
    "launch.not_ready": (
        "There is no running session to move on from. Wait until it is ready.",
        "目前没有可续接的运行中会话，请等它就绪。",
    ),
    "launch.cannot_move": (
        "{centre} takes no new session of {hours} h: {why} Your session goes on as it is.",
        "{centre}无法接收 {hours} 小时的新会话：{why}您的会话照常运行。",
    ),
    "launch.hedged": (
        "Waiting at {former}, and now at {centre} too: where a berth is free first you start, and the other place is given back.",
        "正在{former}排队，同时也在{centre}排队：哪里先有空位就在哪里启动，另一处的位置随即放弃。",
    ),
    "launch.rival_failed": (
        "The other start, at {centre}, did not work out: {why} What you have is untouched.",
        "在{centre}的另一次启动未能成功：{why}您现有的不受影响。",
    ),
    "launch.rival_dropped": (
        "{centre} is no longer asked; another was sooner.",
        "已有其他中心更早启动，不再等待{centre}。",
    ),
    "launch.rival_won": (
        "{centre} was the first with a berth. The place in the other queue is given back.",
        "{centre}最先有空位，已放弃另一处的排队。",
    ),
    "launch.succeeded": (
        "It is over at {former}: {why} The other start, at {centre}, takes its place.",
        "在{former}的已结束：{why}由在{centre}的另一次启动接替。",
    ),
    "launch.next": (
        "{centre} did not work out: {why} Trying the next centre.",
        "{centre}未能成功：{why}正在尝试下一个中心。",
    ),
    "launch.waiting": (
        "No centre can take this right now. You keep your place; it starts by itself when a berth frees.",
        "目前没有中心能接收。您的位置已保留，一有空位就会自动启动。",
    ),
    "launch.failed": (
        "It did not start. {why} Nothing was lost; you can start again.",
        "未能启动。{why}没有丢失任何内容，可以重新启动。",
    ),
    "launch.unreachable": (
        "{centre} has not been reachable since {since}. Your session keeps running there; we keep trying.",
        "自 {since} 起无法连接{centre}。您的会话仍在那里运行，我们会继续尝试。",
    ),
    "launch.unknown": (
        "{centre} has given no clear answer since {since}. Nothing is cancelled; we keep asking.",
        "自 {since} 起{centre}没有明确答复。不会取消任何任务，我们会继续询问。",
    ),
    "launch.cut": (
        "Your session runs at {centre}, but nobody has got through to it since {since}. Nothing is lost; we keep trying.",
        "您的会话仍在{centre}运行，但自 {since} 起无法连接到它。内容不会丢失，我们会继续尝试。",
    ),
    "launch.not_silent": (
        "It is known how this launch is; there is nothing to decide. To end it, stop it.",
        "此任务的状态是明确的，无需另作决定。如要结束，请停止它。",
    ),
    "launch.silent_briefly": (
        "Nothing has been heard of this launch since {since}. You may decide after {seconds} s of silence; wait until then.",
        "自 {since} 起没有此任务的消息。静默满 {seconds} 秒后您可以自行决定，请稍候。",
    ),
    "launch.stopping": ("Stopping at {centre}.", "正在停止{centre}上的任务。"),
    "launch.stopping_unconfirmed": (
        "Stopping at {centre}, not confirmed: it has given no answer since {since}. It is ended there as soon as it answers.",
        "正在停止{centre}上的任务，尚未确认：该中心自 {since} 起没有答复，恢复答复后会立即结束任务。",
    ),
    "launch.stopped": ("Stopped.", "已停止。"),
    # ended.*: why an attempt ended
    "ended.moved": ("A berth became free at {centre}.", "{centre}有了空位。"),
    "ended.older": (
        "A later job took its place; the hub's database was restored from an older copy.",
        "它已被后来的作业取代；平台的数据库是从较早的备份恢复的。",
    ),
    "ended.moved_on": ("It gave way to a new session, as asked.", "已按要求换到新会话。"),
    "ended.outrun": ("{centre} was sooner.", "{centre}更早启动。"),
    "ended.stopped": ("It was stopped on request.", "已按要求停止。"),
    "ended.deserted": (
        "The kernel that made this Dask cluster is gone, so its workers were ended.",
        "创建此 Dask 集群的内核已不存在，因此结束了它的工作进程。",
    ),
    "ended.idle": (
        "Nothing was done in it for {about}, so its place was given to others. Files stay as they were saved; start it again.",
        "已有 {about}没有任何操作，因此释放了它占用的资源。文件保持上次保存的内容，可重新启动。",
    ),
    "ended.let_go": (
        "You let it go while {centre} did not answer. What may still run there is ended as soon as it answers again.",
        "{centre}没有答复期间，您放弃了它。那里可能仍在运行的任务会在其恢复答复后立即结束。",
    ),
    "ended.finished": ("The session ended by itself.", "会话已自行结束。"),
    "ended.failed": ("The job ended with exit code {code}.", "任务异常结束，退出码 {code}。"),
    "ended.memory": (
        "It needed more memory than it asked for. Start again with more memory.",
        "所用内存超过申请量。请申请更多内存后重新启动。",
    ),
    "ended.time": ("The time asked for is used up.", "申请的时间已用完。"),
    "ended.node": ("The machine it ran on failed.", "运行它的节点发生故障。"),
    "ended.broken": (
        "The job failed there, for reasons that were not told.",
        "任务在该中心失败，原因未说明。",
    ),
    "ended.cancelled": ("It was cancelled at the centre.", "任务在中心被取消。"),
    "ended.cancelled_by_operator": (
        "An operator of the centre ended it. Ask them why before you start again there.",
        "该中心的运维人员结束了它。请先询问原因，再重新启动。",
    ),
    "ended.cancelled_by_person": (
        "It was ended at the centre under your own account there.",
        "它被您在该中心的账号结束。",
    ),
    "ended.deadline": ("It could not be started in time.", "未能在规定时间前启动。"),
    "ended.not_launched": (
        "The machine could not start it: a folder of yours could not be written there. Is your quota used up?",
        "节点无法启动它：您的目录在那里无法写入。请检查配额是否用尽。",
    ),
    "ended.preempted": (
        "The centre needed its machine for something more urgent. Start again to go on elsewhere.",
        "该中心将节点用于更紧急的任务。重新启动即可在别处继续。",
    ),
    "ended.signal": ("The job was ended by signal {signal}.", "任务被信号 {signal} 终止。"),
    "ended.refused": ("The centre refused it: {why}", "中心拒绝了请求：{why}"),
    "ended.queue_limit": (
        "It waited too long in the queue ({minutes} min).",
        "排队时间过长（{minutes} 分钟）。",
    ),
    "ended.boot_limit": (
        "It did not come up within {seconds} s of its start.",
        "任务开始后 {seconds} 秒内没有就绪。",
    ),
    "ended.reach_limit": (
        "The running job could not be reached for {seconds} s.",
        "连续 {seconds} 秒无法连接到正在运行的任务。",
    ),
    "ended.too_old": (
        "The software at {centre} is older ({version}) and cannot start this yet.",
        "{centre}的软件版本较旧（{version}），尚不能启动此项。",
    ),
    "ended.report": (
        "The job reported something that cannot be trusted ({why}).",
        "任务上报的信息不可信（{why}）。",
    ),
    "ended.unreachable": ("The centre could not be reached.", "无法连接该中心。"),
    "ended.lost": ("The centre no longer knows this job.", "中心已不再知道此任务。"),
    # batch.*: why a centre's batch system does not take a job, or takes it and does not start it
    "batch.accelerator": (
        "The accelerators asked for do not suit that queue. Ask for another kind or number, or for none.",
        "申请的加速卡不符合该队列的要求。请更换类型或数量，或不申请。",
    ),
    "batch.account": (
        "The project it would be charged to is not known there, or not yours. Ask the centre's operators.",
        "计费项目在该中心不存在，或不属于您。请联系该中心的运维人员。",
    ),
    "batch.budget": (
        "The hours of your project there are used up. Ask for more, or use another project.",
        "您的项目在该中心的机时已用完。请申请更多机时，或换用其他项目。",
    ),
    "batch.closing": (
        "The machines close for maintenance before it could end; it starts by itself afterwards.",
        "节点将在其结束之前停机维护，维护之后会自动启动。",
    ),
    "batch.dependency": ("It waits for another job to end first.", "它需等待另一个任务先结束。"),
    "batch.held_operator": (
        "An operator of the centre holds it back. Ask them why, or stop it and start again elsewhere.",
        "该中心的运维人员暂缓了它。请向其询问，或停止后在其他中心启动。",
    ),
    "batch.held_person": (
        "It is on hold under your own account there. Release it there, or stop it and start again.",
        "它被您在该中心的账号暂缓。请在那里放行，或停止后重新启动。",
    ),
    "batch.impossible": (
        "No machine of that queue can ever run it as it was asked for. Ask for less.",
        "该队列没有节点能满足此申请。请减少需求。",
    ),
    "batch.later": ("It is to start at a later time.", "它将在稍后的时间启动。"),
    "batch.launch_failed": (
        "The centre tried to start it and could not. It tries again, or its operators have to look.",
        "该中心尝试启动但未成功，会再次尝试，或需运维人员处理。",
    ),
    "batch.licence": ("It waits for a licence that others use just now.", "它在等待他人正在使用的许可证。"),
    "batch.limit": (
        "You or your project have as much running there as is allowed. It starts when some of that ends.",
        "您或您的项目在该中心运行的任务已达上限，其中有任务结束后它就会启动。",
    ),
    "batch.limits": (
        "It is more than your account may have there: too much at one time, or too many jobs. Ask for less, or stop another.",
        "超出您的账号在该中心的限额：单次申请过多或任务过多。请减少需求，或停止其他任务。",
    ),
    "batch.machines": (
        "The machines it needs are out of service or reserved at the moment.",
        "它所需的节点目前停用或已被预留。",
    ),
    "batch.not_allowed": (
        "Your account may not use that queue there. Ask the centre's operators.",
        "您的账号无权使用该队列。请联系该中心的运维人员。",
    ),
    "batch.option": (
        "The centre's description demands something that its batch system does not accept. Tell its operators.",
        "该中心的描述文件要求了其作业系统不接受的内容。请告知其运维人员。",
    ),
    "batch.paused": (
        "The centre has paused it. Nothing is lost; it goes on by itself.",
        "该中心已将其暂停。内容不会丢失，之后会自动继续。",
    ),
    "batch.preparing": ("A machine is being prepared for it.", "正在为它准备节点。"),
    "batch.queue": (
        "That queue does not exist there. The centre's description is out of date; tell its operators.",
        "该中心没有此队列，其描述文件已过时。请告知其运维人员。",
    ),
    "batch.queue_closed": ("That queue is closed at the moment.", "该队列目前关闭。"),
    "batch.requeued": ("The centre puts it back into the queue.", "该中心将它放回队列。"),
    "batch.reservation": (
        "It is meant for a reservation that is over, or not yours. Ask the centre's operators.",
        "它所用的预留已失效，或不属于您。请联系该中心的运维人员。",
    ),
    "batch.reserved": ("It waits for the time that is reserved for it.", "它在等待为其预留的时段。"),
    "batch.storage": ("It waits for the centre's fast storage.", "它在等待该中心的高速存储。"),
    "batch.too_large": (
        "It is more than your account may have there for one job. Ask for less.",
        "超出您的账号在该中心单个任务的限额。请减少需求。",
    ),
    "batch.too_long": (
        "A session there may not last that long. Ask for fewer hours.",
        "在该中心单次不能这么久。请减少时间。",
    ),
    "batch.too_small": (
        "That queue is for larger needs. Ask for more, or choose another.",
        "该队列只接收更大的需求。请增加需求，或换用其他队列。",
    ),
    "batch.user": (
        "The centre's batch system does not know your account yet. Ask its operators.",
        "该中心的作业系统尚未登记您的账号。请联系其运维人员。",
    ),
    # hub.*: what the hub itself says on its pages
    "hub.asking": ("Your request is on its way.", "正在提交您的请求。"),
    "hub.failed": (
        "It could not be started. Please try again; if it happens again, tell the administrators the time.",
        "未能启动。请重试；如再次出现，请将时间告知管理员。",
    ),
    "hub.former": (
        "Your former session of this name has to end first. {why} Yours starts as soon as that is confirmed.",
        "此名称下的前一个会话需先结束。{why}确认后即启动新的会话。",
    ),
    "hub.ready": ("Ready. Opening your notebook.", "已就绪，正在打开笔记本。"),
    "hub.stopped": ("It is not running any more.", "它已不在运行。"),
    "hub.stopping": ("Stopping. Please wait a moment.", "正在停止，请稍候。"),
    # centre.*, broker.*, access.*
    "centre.set_aside": (
        "{centre} has stopped answering. We ask it again every few seconds.",
        "{centre}没有响应，我们每隔几秒会再次询问。",
    ),
    "centre.unbelievable": (
        "What it says of its machines cannot be true ({what}). Nobody is sent there on that word; its operators should look.",
        "它对节点的描述不可能属实（{what}）。不会据此派送任务，请其运维人员检查。",
    ),
    "centre.busy": ("Too many questions wait at {centre} just now.", "目前等待{centre}答复的请求过多。"),
    "centre.file": (
        "A file of yours at the centre cannot be read or written. Is its disk full, or your quota used up?",
        "无法读写您在中心的文件。可能是磁盘已满或配额用尽，请检查。",
    ),
    "centre.accounts": (
        "The centre could not say which account is yours. It is asked again.",
        "该中心未能查询到您的账号，会再次询问。",
    ),
    "centre.local_account": (
        "Nothing runs as the account {account} here. Only a broker of root's acts as others, and only as ordinary accounts.",
        "此处不能以账号 {account} 运行。只有以 root 启动的调度服务才能代表其他账号，且仅限普通账号。",
    ),
    "centre.shared_account": (
        "At {centre} all jobs would run as {account}, an account of the system. Its operators must name another in its file.",
        "{centre}的所有任务都会以系统账号 {account} 运行。请其运维人员在描述文件中改用普通账号。",
    ),
    "centre.host_key": (
        "{centre} showed another key ({shown}) than its description pins; nothing was sent to it. Ask its operators.",
        "{centre}出示的主机密钥（{shown}）与描述文件中登记的不符，未向其发送任何内容。请联系该中心的运维人员。",
    ),
    "centre.line": (
        "A command for the centre is too long ({size} bytes; at most {limit}).",
        "发往中心的命令过长（{size} 字节，最多 {limit} 字节）。",
    ),
    "centre.login": (
        "{centre} lets nobody in as {account} just now. Its operators find out why; it is tried again.",
        "{centre}目前不允许以 {account} 登录，会再次尝试。请联系该中心的运维人员查明原因。",
    ),
    "centre.word": (
        "{value} cannot be a part of a command for a centre. Use letters, digits and _ @ % + = : , . / | - alone.",
        "{value} 不能用作发往中心的命令参数，只能使用字母、数字和 _ @ % + = : , . / | -。",
    ),
    "centre.share": ("{centre} has no share called {share} any more.", "{centre}已没有名为 {share} 的队列。"),
    "scheduler.no_answer": (
        "The batch system of the centre gave no answer that can be read. It is asked again.",
        "该中心的作业系统没有给出可识别的答复，会再次询问。",
    ),
    "scheduler.refused": ("The batch system says: {why}", "作业系统的答复：{why}"),
    "store.failed": (
        "The broker cannot write its records just now; nothing was started. Try again in a minute, or tell the administrators.",
        "调度服务暂时无法保存记录，未启动任何任务。请稍后再试，或联系管理员。",
    ),
    "store.newer": (
        "The database was made by a newer version of Sampan. Install that version, or restore a backup of this one.",
        "数据库由更新版本的 Sampan 创建。请安装该版本，或恢复本版本的备份。",
    ),
    "store.url": (
        "The address of the database must begin with sqlite: or postgresql:. Correct --database.",
        "数据库地址应以 sqlite: 或 postgresql: 开头。请改正 --database。",
    ),
    "centre.says": ("{centre}: {why}", "{centre}：{why}"),
    "centre.unreachable": ("{centre} cannot be reached.", "无法连接{centre}。"),
    "centre.timeout": ("{centre} did not answer within {seconds} s.", "{centre}在 {seconds} 秒内没有答复。"),
    "centre.no_answer": ("{centre} gave an answer that cannot be read.", "{centre}的答复无法识别。"),
    "centre.refused": ("{centre} refused the job: {why}", "{centre}拒绝了任务：{why}"),
    "centre.unknown": ("There is no centre called {centre}.", "没有名为 {centre} 的中心。"),
    "centre.descriptor": ("{file}: {key}: {expected}.", "{file}：{key}：{expected}。"),
    "centre.account": (
        "You have no account at {centre} yet. Ask its operators for one.",
        "您在{centre}还没有账号，请联系该中心的运维人员。",
    ),
    "broker.unreachable": (
        "The broker does not answer just now. Running sessions are not affected; try again in a minute.",
        "调度服务暂时没有响应。正在运行的会话不受影响，请稍后再试。",
    ),
    "broker.failed": (
        "The broker made a mistake; its log says which. Running sessions are not affected. Try again, or tell the administrators.",
        "调度服务内部出错，详情见其日志。正在运行的会话不受影响。请重试，或联系管理员。",
    ),
    "broker.no_address": (
        "Where is the broker? Set SAMPAN_URL to the address of your hub, for example http://127.0.0.1:8000.",
        "不知道调度服务的地址。请将 SAMPAN_URL 设为您的平台地址，例如 http://127.0.0.1:8000。",
    ),
    "broker.address": (
        "{value} is not an address we can use. It should look like http://127.0.0.1:8000 or http+unix://%2Fpath/services/sampan.",
        "{value} 不是可用的地址，应形如 http://127.0.0.1:8000 或 http+unix://%2Fpath/services/sampan。",
    ),
    "broker.not_encrypted": (
        "{value} is not encrypted, and your token would be read on the way. Use the hub's https:// address.",
        "{value} 未加密，您的令牌会在途中被读取。请使用平台的 https:// 地址。",
    ),
    "broker.no_answer": (
        "What answers at {url} is not a Sampan broker (status {status}). Check the address, or try again in a minute.",
        "{url} 处的答复不像是 Sampan 调度服务（状态 {status}）。请检查地址，或稍后再试。",
    ),
    "broker.token_file": (
        "Others on this machine can read {file}. Run “chmod 600 {file}”, and better get a new token.",
        "本机其他用户可以读取 {file}。请运行“chmod 600 {file}”，最好再换一个新令牌。",
    ),
    "launch.no_kernel": (
        "That is not a kernel. Only a kernel has sockets, is interrupted or restarted.",
        "这不是内核。只有内核才有套接字，才能中断或重启。",
    ),
    "launch.no_socket": (
        "A kernel has no socket “{name}”; it has {known}.",
        "内核没有名为“{name}”的套接字；现有：{known}。",
    ),
    "launch.not_linked": (
        "It cannot be reached just now: {why} Try again in a moment.",
        "目前无法连接：{why}请稍后重试。",
    ),
    "launch.unknown_id": ("There is no launch {launch} of yours.", "您没有编号为 {launch} 的任务。"),
    "launch.attempt": (
        "Launch {launch} already has a job on its way. Wait for it, or stop it first.",
        "任务 {launch} 已有作业正在进行。请等待，或先停止它。",
    ),
    "launch.exists": (
        "There is already one called {name}; stop it first, or use another name.",
        "已有名为 {name} 的任务；请先停止它，或换一个名称。",
    ),
    "launch.key": (
        "This Idempotency-Key was used for another launch. Use a new key for each new request.",
        "此 Idempotency-Key 已用于另一任务。请为每个新请求使用新的键。",
    ),
    "access.token": (
        "Please log in: the token is missing, wrong or expired.",
        "请登录：令牌缺失、错误或已过期。",
    ),
    "access.hub_away": (
        "The hub cannot be asked who you are just now. Try again in a minute.",
        "暂时无法向平台确认您的身份，请稍后再试。",
    ),
    "access.hub_only": ("Only the hub itself may do this.", "只有平台自身可以执行此操作。"),
    "access.needs_scope": (
        "This needs a token with the scope {scope}: one of a service that the hub's administrators have given it to.",
        "此处需要具有 {scope} 权限的令牌，即平台管理员授予该权限的服务的令牌。",
    ),
    "access.job": (
        "A job's own token reaches its launch and what was started from it, and nothing else.",
        "任务自身的令牌只能用于该任务及由它启动的内容，不能用于其他任何事情。",
    ),
    "access.admin": (
        "Only an administrator of the hub may do that.",
        "只有平台管理员可以执行此操作。",
    ),
    "access.provider": (
        "Only those who speak for the provider “{provider}” may do that. Ask an administrator, or register one: sampan providers.",
        "只有服务商“{provider}”的代表可以执行此操作。如需加入，请联系平台管理员；也可自行登记：sampan providers。",
    ),
    "access.operator": (
        "Only operators and administrators see this. Ask to be put into a group such as sampan:operator:east.",
        "只有运维人员和管理员可以查看。请申请加入如 sampan:operator:east 的用户组。",
    ),
    "access.scope": (
        "This token may not be used here. Make one on the hub's token page that may access the service “sampan”.",
        "此令牌无权访问这里。请在平台的令牌页面创建一个可访问“sampan”服务的令牌。",
    ),
    "access.owner": ("That belongs to somebody else.", "那是别人的任务。"),
    "request.route": (
        "There is nothing at {path} for {method}. The broker's addresses are listed in its openapi.json.",
        "{path} 不支持 {method}。可用地址见调度服务的 openapi.json。",
    ),
    "request.field": ("“{field}”: {expected}.", "“{field}”：{expected}。"),
    # check.*: what is wrong with an entry, or with its copy at a centre; {what} names the copy
    "check.broke": (
        "Looking at {what} at {centre} broke off ({why}).",
        "在{centre}检查 {what} 时异常中断（{why}）。",
    ),
    "check.bytes": (
        "{what} at {centre} has {found} bytes, and should have {wanted}.",
        "{centre}的 {what} 大小为 {found} 字节，应为 {wanted} 字节。",
    ),
    "check.checksum": (
        "The bytes of {what} at {centre} have changed: its checksum is {found}, and should be {wanted}.",
        "{centre}的 {what} 内容已改变：校验和为 {found}，应为 {wanted}。",
    ),
    "check.denied": (
        "{what} at {centre} is public by its entry, and may not be read there. Let everybody read it, or say who may.",
        "条目声明 {what} 为公开数据，但在{centre}无权读取。请开放读取权限，或在条目中注明可读取的用户组。",
    ),
    "check.engine": (
        "{what} is opened with “{engine}”, which the environment at {centre} does not have.",
        "打开 {what} 需要“{engine}”，{centre}的环境中未安装。",
    ),
    "check.gone": ("{what} is not there at {centre}.", "{centre}没有 {what}。"),
    "check.group_open": (
        "{what} at {centre} belongs to the group “{group}” alone by its entry, and can be read by others there.",
        "条目声明 {what} 仅供“{group}”组使用，但在{centre}其他用户也能读取。",
    ),
    "check.group_unknown": (
        "There is no group “{value}” at {centre}, to which {what} should belong.",
        "{centre}没有“{value}”组，而 {what} 应属于该组。",
    ),
    "check.import": (
        "{what} at {centre} cannot be imported: {why}",
        "{centre}的 {what} 无法导入：{why}",
    ),
    "check.licence": (
        "The entry names no licence that is known. Its provider has to say one, as an SPDX expression.",
        "条目没有注明有效的许可。请服务商以 SPDX 表达式补充。",
    ),
    "check.not_opened": (
        "{what} at {centre} cannot be opened: {why}",
        "{centre}的 {what} 无法打开：{why}",
    ),
    "check.opener": (
        "The entry wants to be opened with “{value}”, which is not allowed. Its provider has to choose one of the list.",
        "条目要求用“{value}”打开，该方式不被允许。请服务商从允许的列表中选择。",
    ),
    "check.outside": (
        "{what} at {centre} is a link, or holds one, that leads out of the folder of its data.",
        "{centre}的 {what} 是指向数据目录之外的链接，或其中含有这样的链接。",
    ),
    "check.product": (
        "The entry says something at “{key}” that no entry may say. Its provider has to correct it.",
        "条目的“{key}”内容不符合规范。请服务商更正。",
    ),
    "check.root": (
        "{centre} has no folder of the name that {what} begins with.",
        "{centre}没有 {what} 开头所指的数据目录。",
    ),
    "check.version": (
        "{what} at {centre} is of version {version}, and should be {wanted}.",
        "{centre}的 {what} 版本为 {version}，应为 {wanted}。",
    ),
    "check.works": (
        "{what} at {centre} can be imported and does not work: {why}",
        "{centre}的 {what} 能导入但不能正常工作：{why}",
    ),
    # harvest.*: what is harvested from a centre
    "harvest.arguments": (
        "Say a centre, a form and a place, and --provider and --licence. For a folder: east folder {root}/ocean",
        "请给出中心、类型和位置，以及 --provider 和 --licence。例如目录：east folder {root}/ocean",
    ),
    "harvest.asset": ("It has no data that can be opened here.", "没有可打开的数据。"),
    "harvest.driver": ("It is opened in a way that is not allowed.", "打开方式不被允许。"),
    "harvest.failed": (
        "What lies there could not be read: {why} Correct it, or name another place; nothing has changed.",
        "无法读取该处内容：{why}请更正或指定其他位置；目录未作任何改动。",
    ),
    "harvest.many": (
        "There is more than one harvest takes. Harvest its folders one by one.",
        "数量超过一次收录的上限。请按子目录分别收录。",
    ),
    "harvest.place": ("It lies outside the folder of the centre's data.", "位于该中心的数据目录之外。"),
    "harvest.taken": (
        "“{entry}” is in the catalogue already, from elsewhere. Harvest under another provider's name; nothing has changed.",
        "目录中已有来自别处的“{entry}”。请以其他服务商名称收录；目录未作任何改动。",
    ),
    "harvest.twice": ("Another one has the same name.", "与另一项重名。"),
    "harvest.unseen": (
        "It was not looked at: the centre took too long. Harvest once more.",
        "中心响应超时，尚未检查。请再次收录。",
    ),
    "harvest.vanished": (
        "It was found at {centre} in {place} before, and is there no more.",
        "它曾在{centre}的 {place} 中，现已不存在。",
    ),
    # entry.*: the catalogue
    "entry.dead": (
        "The copy of “{entry}” here was found to be broken: {reason} Try another version, or tell its provider.",
        "此处的“{entry}”副本经检查已损坏：{reason}请使用其他版本，或告知其服务商。",
    ),
    "entry.no_picture": ("There is no preview of “{entry}”.", "“{entry}”没有预览图。"),
    "entry.elsewhere": (
        "“{entry}” lies at {where}, not here. Open it in a kernel there, where nothing is moved; a copy would move {size}.",
        "“{entry}”存放在{where}，此处没有。在那里的内核中打开无需传输；若复制到此处，将传输 {size}。",
    ),
    "entry.engine": (
        "“{entry}” is opened with “{engine}”, which this environment does not have. Choose a kernel whose environment has it.",
        "打开“{entry}”需要“{engine}”，当前环境未安装。请选用装有它的环境启动内核。",
    ),
    "entry.gone": (
        "“{entry}” should lie at {path}, but is not there. Please tell its provider.",
        "“{entry}”应位于 {path}，但文件不存在。请告知其服务商。",
    ),
    "entry.group": (
        "Only members of the group “{group}” may open “{entry}”. Ask its provider to be one of them.",
        "只有“{group}”组的成员可以打开“{entry}”。请向其服务商申请加入。",
    ),
    "entry.href": (
        "A place is written as {root}/folder/file, without “.” and “..”.",
        "位置应写作 {root}/目录/文件，且不含“.”和“..”。",
    ),
    "entry.is_notebook": (
        "“{entry}” is a notebook. Open it from the panel “Catalogue”; its data are opened by its own cells.",
        "“{entry}”是笔记本。请在“目录”面板中打开；其数据由笔记本自身的单元格打开。",
    ),
    "entry.is_offer": (
        "“{entry}” is an offer of computing. Ask for what it offers where you start a server or a kernel.",
        "“{entry}”是算力套餐。请在启动服务器或内核时选用。",
    ),
    "entry.is_service": (
        "“{entry}” is a service. Its description says how it is called; there is nothing to open.",
        "“{entry}”是服务。调用方法见其说明，没有可打开的数据。",
    ),
    "entry.is_software": (
        "“{entry}” is software. Start a kernel at a centre that has it, and import it there.",
        "“{entry}”是软件。请在装有它的超算中心启动内核，然后导入使用。",
    ),
    "entry.no_data": (
        "“{entry}” holds no data that can be opened ({kind}).",
        "“{entry}”（{kind}）不含可打开的数据。",
    ),
    "entry.none": (
        "Nothing in the catalogue matches “{text}”. Try fewer or other words.",
        "目录中没有与“{text}”匹配的条目。请减少或更换关键词。",
    ),
    "entry.quarantined": (
        "“{entry}” is in quarantine and cannot be opened: {reason}",
        "“{entry}”已被隔离，暂时无法打开：{reason}",
    ),
    "entry.product": ("{file}: {key}: {expected}.", "{file}：{key}：{expected}。"),
    "entry.reason": (
        "Quarantine takes a reason, and nothing else does.",
        "隔离时必须说明原因，其他状态不需要原因。",
    ),
    "entry.request": (
        "“{entry}” is opened on request. Ask its provider.",
        "“{entry}”需申请后才能打开。请联系其服务商。",
    ),
    "entry.root": (
        "There is no folder called “{root}” here that data of the catalogue lies in.",
        "此处没有名为“{root}”的目录数据存放位置。",
    ),
    "entry.several": (
        "“{text}” stands for several entries: {entries}. Name one of them.",
        "“{text}”对应多个条目：{entries}。请写出其中一个的名称。",
    ),
    "entry.state": (
        "The copy of “{entry}” here is not whole ({state}). Try again later, or tell its provider.",
        "此处的“{entry}”副本不可用（{state}）。请稍后再试，或告知其服务商。",
    ),
    "entry.status": (
        "“{entry}” is “{status}”; from there it cannot become “{wanted}”.",
        "“{entry}”的状态为“{status}”，不能改为“{wanted}”。",
    ),
    "entry.unknown": (
        "There is no “{entry}” in the catalogue. Look for it with sampan.find.",
        "目录中没有“{entry}”。请用 sampan.find 查找。",
    ),
    "entry.unknown_size": ("an unknown number of bytes", "大小未知的数据"),
    "entry.withdrawn": (
        "“{entry}” was withdrawn by its provider. Look for another version with sampan.find.",
        "“{entry}”已被服务商撤回。请用 sampan.find 查找其他版本。",
    ),
    # provider.*: who publishes in the catalogue
    "provider.many": (
        "You wait for {most} providers already. Wait until an administrator has decided about one of them.",
        "您已有 {most} 个服务商登记待审核。请等管理员处理后再登记。",
    ),
    "provider.reason": (
        "A provider is approved, or refused or suspended with a reason in both languages; approval takes none.",
        "可批准服务商，也可拒绝或暂停并用两种语言说明原因；批准时不需要原因。",
    ),
    "provider.taken": (
        "There is a provider called “{provider}” already. Choose another name, or ask the hub's administrators to join it.",
        "服务商名称“{provider}”已被使用。请换一个名称，或联系平台管理员加入该服务商。",
    ),
    "provider.unknown": (
        "Nobody has registered the provider “{provider}”. “sampan providers list” shows those that there are.",
        "没有登记过服务商“{provider}”。可用 sampan providers list 查看已有服务商。",
    ),
    "provider.which": (
        "Say which provider, or which file: sampan providers approve NAME, sampan providers register provider.yaml.",
        "请写明服务商或文件，例如：sampan providers approve 名称，sampan providers register provider.yaml。",
    ),
    # descriptor.*: what a key of a centre's file should have been; follows “file: key: ”
    "descriptor.account": (
        "expected an account: a to z, digits, _ and -",
        "应为账号名：小写字母、数字、_ 和 -",
    ),
    "descriptor.another_share": (
        "expected the id of another share of this centre ({known})",
        "应为本中心另一个队列的 id（{known}）",
    ),
    "descriptor.another_centre": (
        "expected an id that no other file has; {other} says {value} too",
        "应为其他文件未使用的 id；{other} 也使用了 {value}",
    ),
    "descriptor.at_least": ("expected at least {least}", "应不小于 {least}"),
    "descriptor.at_most": ("expected at most {most}", "应不大于 {most}"),
    "descriptor.bool": ("expected true or false", "应为 true 或 false"),
    "descriptor.country": (
        "expected a country as two capital letters, such as CN",
        "应为两个大写字母的国家代码，例如 CN",
    ),
    "descriptor.email": ("expected an e-mail address", "应为电子邮件地址"),
    "descriptor.home": (
        "expected {account} or {user} in it, so that people's homes differ",
        "应包含 {account} 或 {user}，以便每人的主目录各不相同",
    ),
    "descriptor.home_of_shared": (
        "expected {user} in it, since all share one account",
        "应包含 {user}，因为所有人共用一个账号",
    ),
    "descriptor.host": ("expected a host's name or address", "应为主机名或地址"),
    "descriptor.host_key": (
        "expected a public host key: its type, a space, its base64",
        "应为主机公钥：类型、空格、base64 内容",
    ),
    "descriptor.list": ("expected a list", "应为列表"),
    "descriptor.long": ("expected at most {most} letters or entries", "最多 {most} 个字符或条目"),
    "descriptor.mapping": (
        "expected keys with values, the first of them schema: {schema}",
        "应为键值对，第一项为 schema: {schema}",
    ),
    "descriptor.missing": ("expected a value; this key is required", "缺少必填的值"),
    "descriptor.module": ("expected a module's name", "应为模块名"),
    "descriptor.more_than": ("expected more than {least}", "应大于 {least}"),
    "descriptor.name": (
        "expected a to z, digits and dashes, a letter first, at most 31",
        "应为小写字母、数字和短横，以字母开头，最多 31 个字符",
    ),
    "descriptor.needed_with": ("expected a value, needed with {key}", "使用 {key} 时必须填写"),
    "descriptor.not_both": (
        "expected nothing where {other} is given: say one of the two",
        "已填写 {other} 时不应填写，两者只能选一",
    ),
    "descriptor.number": ("expected a number", "应为数字"),
    "descriptor.one_at_least": ("expected at least one entry", "至少应有一项"),
    "descriptor.one_of": ("expected one of {choices}", "应为以下之一：{choices}"),
    "descriptor.only_with": ("expected nothing; it belongs to {key}", "不应填写，此项仅用于 {key}"),
    "descriptor.option": (
        "expected an option of the submit command without its dashes, such as gres",
        "应为提交命令的选项名（不带短横），例如 gres",
    ),
    "descriptor.other": ("expected something else ({why})", "应为其他值（{why}）"),
    "descriptor.own_option": (
        "expected an option that Sampan does not set itself",
        "应为 Sampan 自身不设置的选项",
    ),
    "descriptor.path": (
        "expected an absolute path of plain characters, without ..",
        "应为由普通字符组成的绝对路径，不含 ..",
    ),
    "descriptor.queue": (
        "expected the scheduler's name of the queue: letters, digits, dots, dashes",
        "应为调度系统中的队列名：字母、数字、点和短横",
    ),
    "descriptor.shared": (
        "expected table or command; one account for everybody is for the local transport only",
        "应为 table 或 command；所有人共用一个账号仅适用于 local 传输",
    ),
    "descriptor.shared_account": (
        "expected an account made for everybody's jobs; without it they run as the broker does, {account}, of the system",
        "应为专供所有人任务使用的账号；不填则与调度服务同为系统账号 {account}",
    ),
    "descriptor.source_address": (
        "expected an address or a network that the hub comes from, such as 192.0.2.0/28",
        "应为平台连接时所用的地址或网段，例如 192.0.2.0/28",
    ),
    "descriptor.system_account": (
        "expected an account of a person; this one belongs to the system",
        "应为个人账号，而这是系统账号",
    ),
    "descriptor.table": ("expected keys with values", "应为键值对"),
    "descriptor.template": (
        "expected an absolute path of plain characters, with {account} or {user}",
        "应为由普通字符组成的绝对路径，可含 {account} 或 {user}",
    ),
    "descriptor.text": ("expected text", "应为文本"),
    "descriptor.too_large": ("expected at most {most} bytes", "最多 {most} 字节"),
    "descriptor.twice": (
        "expected something else than {value}, which belongs to {other}",
        "{value} 已用于 {other}，应改为其他值",
    ),
    "descriptor.unknown": ("there is no such key; here are {known}", "没有此键；可用的键：{known}"),
    "descriptor.unknown_near": (
        "there is no such key; {near} was meant, perhaps",
        "没有此键；可能应为 {near}",
    ),
    "descriptor.unreadable": ("expected a readable file in UTF-8 ({why})", "应为可读的 UTF-8 文件（{why}）"),
    "descriptor.value": (
        "expected a value of letters, digits and . _ : = , / @ + -",
        "应为由字母、数字和 . _ : = , / @ + - 组成的值",
    ),
    "descriptor.whole": ("expected a whole number", "应为整数"),
    "descriptor.words": (
        "expected one line of text without control characters",
        "应为不含控制字符的单行文本",
    ),
    "descriptor.yaml": ("expected YAML ({why})", "应为 YAML（{why}）"),
    "descriptor.zone": (
        "expected a time zone of the IANA database, such as Asia/Shanghai",
        "应为 IANA 时区，例如 Asia/Shanghai",
    ),
    # status.*: how a centre stands, on the page that everybody can read: what is wrong, and what is done about it
    "status.draining": (
        "Its operators let nothing new in for now. What runs there goes on; new starts go elsewhere.",
        "该中心的运维人员暂停接收新任务。已在运行的会话不受影响，新的启动会安排到其他中心。",
    ),
    "status.full": (
        "Everything is in use just now. Who starts here keeps a place and starts by itself, or goes where there is room.",
        "目前资源均在使用中。在此启动会保留位置、轮到时自动启动，或安排到有空位的中心。",
    ),
    "status.host_key": (
        "It showed another key than its description pins: nothing is sent there until its operators have looked.",
        "该中心出示的密钥与登记的不符，在其运维人员核查之前不会向其发送任何内容。已在运行的会话会继续。",
    ),
    "status.login": (
        "It lets us in no more; its operators have to look. Running sessions go on, and it is tried again.",
        "该中心目前不允许本平台登录，需其运维人员处理。已在运行的会话会继续，我们会继续尝试。",
    ),
    "status.no_waits": ("Nobody has started here in the last 24 hours.", "过去 24 小时内没有人在此启动。"),
    "status.one_wait": (
        "One start in the last 24 hours; it waited {half}.",
        "过去 24 小时内有 1 次启动，等待了 {half}。",
    ),
    "status.unheard": (
        "Nothing certain is known of its room yet. It is asked again all the time.",
        "尚不清楚它的空闲情况，正在不断询问。",
    ),
    "status.unknown": (
        "It answers, but says nothing clear. Sessions are not touched. It is asked again and again; new starts go elsewhere.",
        "该中心有应答，但没有明确答复。那里的会话不受影响，我们会不断询问，新的启动会安排到其他中心。",
    ),
    "status.unreachable": (
        "The way to it is cut, or it is down. Sessions are not touched. It is tried again and again; new starts go elsewhere.",
        "通往该中心的连接中断，或该中心停机。那里的会话不受影响，我们会不断尝试连接，新的启动会安排到其他中心。",
    ),
    "status.waits": (
        "{starts} starts in the last 24 hours; half of them waited {half} or less, the longest {longest}.",
        "过去 24 小时内有 {starts} 次启动，半数等待不超过 {half}，最长 {longest}。",
    ),
    # door.*, link.*, script.*, settings.*: the way from the hub to a job
    "settings.secret": (
        "The secret file {file} cannot be read. “sampan up” makes it; run by hand, make it with mode 0600.",
        "无法读取密钥文件 {file}。“sampan up”会创建它；手动运行时请创建并设为 0600 权限。",
    ),
    "door.full": (
        "All addresses for sessions ({first}–{last}) are in use. Stop a session you no longer need, or try again later.",
        "会话地址（{first}–{last}）已全部占用。请停止不再需要的会话，或稍后再试。",
    ),
    "door.another": (
        "This address belongs to another notebook by now. Open yours from the hub's home page.",
        "此地址现已属于另一个笔记本。请从平台首页打开您的笔记本。",
    ),
    "door.waiting": (
        "The connection to your session is being made. This page looks again by itself.",
        "正在连接您的会话，本页面会自动刷新。",
    ),
    "link.cut": (
        "The connection to the job is interrupted. What runs there keeps running; we keep trying.",
        "与任务的连接已中断。任务仍在运行，我们会继续尝试连接。",
    ),
    "link.greeting": (
        "Something else than our job answered ({field}). It was refused.",
        "应答者不是我们的任务（{field}），已拒绝。",
    ),
    "link.identity": (
        "The job could not prove who it is, or did not know us. It was refused.",
        "无法确认任务的身份，或任务不认识本平台，已拒绝。",
    ),
    "link.node": (
        "The job reported from {node}, where the centre did not put it. It was refused.",
        "任务上报的节点 {node} 与中心的分配不符，已拒绝。",
    ),
    "link.protocol": (
        "The session is of another version (it speaks {spoken}, this hub {known}). Save your work and start it again.",
        "会话的版本不同（会话支持 {spoken}，本平台支持 {known}）。请保存工作后重新启动。",
    ),
    "link.refused": ("The job did not do what it was asked to.", "任务未执行所要求的操作。"),
    "link.report": (
        "What the job reported about “{field}” is not acceptable (expected: {expected}).",
        "任务上报的“{field}”不可接受（应为：{expected}）。",
    ),
    "kernel.anywhere": ("anywhere", "任意中心"),
    "kernel.cores": ("{cores} cores", "{cores} 核"),
    "kernel.over": (
        "{why} This kernel's variables are gone; choose a kernel to go on.",
        "{why}该内核的变量已不存在；请选择一个内核继续。",
    ),
    "link.kernel": (
        "The kernel does not answer yet. Try again in a moment.",
        "内核尚未响应。请稍后重试。",
    ),
    "link.server": ("The notebook server does not answer yet.", "笔记本服务尚未响应。"),
    "link.timeout": ("The job did not answer within {seconds} s.", "任务在 {seconds} 秒内没有答复。"),
    "script.value": (
        "“{field}” cannot be used in a job: {expected} was expected.",
        "“{field}”不能用于任务：应为{expected}。",
    ),
    "settings.master": (
        "{file} must be a key of 32 bytes that only its owner reads. Put the right one back; a new one cuts off every session.",
        "{file} 应为 32 字节且仅所有者可读的密钥。请恢复原文件；更换密钥会切断所有正在运行的会话。",
    ),
    # cluster.*: Dask workers from a notebook
    "cluster.accelerators": (
        "You asked for {want} in each worker; one job in this queue at {centre} has at most {have}. Ask for fewer, or others.",
        "您为每个工作进程申请了 {want}，而在{centre}的此队列中每个作业最多可用 {have}。请减少数量或改用其他类型。",
    ),
    "cluster.amount": (
        "“{field}” must be {example} or the like; {value} is not.",
        "“{field}”应形如 {example}，而 {value} 不符合。",
    ),
    "cluster.cores": (
        "One worker at {centre} can have at most {have} cores; you asked for {want}. Ask for more workers with fewer cores.",
        "在{centre}每个工作进程最多 {have} 核，您申请了 {want} 核。请减少核数并增加工作进程数。",
    ),
    "cluster.facts": (
        "What the broker says about {centre} cannot be used: “{field}” is missing or unreadable. Please tell its operators.",
        "调度服务提供的{centre}信息无法使用：“{field}”缺失或无法识别。请联系该中心的运维人员。",
    ),
    "cluster.hours": (
        "This session ends in {left} min, and its workers with it; you asked for {want} min. Ask for less, or leave `hours` out.",
        "本次会话将在 {left} 分钟后结束，工作进程随之结束，而您申请了 {want} 分钟。请减少时间，或不填 `hours`。",
    ),
    "cluster.memory": (
        "A worker with {cores} cores at {centre} has at most {have} MiB of memory, not {want}. Ask for less, or for more cores.",
        "在{centre}，{cores} 核的工作进程最多 {have} MiB 内存，您申请了 {want} MiB。请减少内存或增加核数。",
    ),
    "cluster.is_none": (
        "That is not a Dask cluster. Clusters are made in a notebook: sampan.cluster().",
        "这不是 Dask 集群。请在笔记本中用 sampan.cluster() 创建集群。",
    ),
    "cluster.no_dask": (
        "Dask is missing in this environment. Start your session with the standard software, or install `sampan[user]`.",
        "此环境中没有安装 Dask。请使用标准软件环境启动会话，或在此安装 `sampan[user]`。",
    ),
    "cluster.no_folder": (
        "The workers' keys cannot be written to {folder}: {why}. Free some space there, or tell the centre's operators.",
        "无法在 {folder} 写入工作进程的密钥：{why}。请清理空间，或联系该中心的运维人员。",
    ),
    "cluster.no_time": (
        "This session ends in less than two minutes: too late to start workers. Start a new session first.",
        "本次会话将在两分钟内结束，来不及启动工作进程。请先启动新的会话。",
    ),
    "cluster.name_taken": (
        "You already have a cluster named “{name}”. Close it, use it with sampan.dask_client, or choose another name.",
        "您已有名为“{name}”的集群。请关闭它、用 sampan.dask_client 使用它，或换一个名称。",
    ),
    "cluster.no_parent": (
        "A Dask cluster belongs to a session or a kernel that is running. Make it there, in a notebook: sampan.cluster().",
        "Dask 集群隶属于正在运行的会话或内核。请在其笔记本中用 sampan.cluster() 创建。",
    ),
    "cluster.opens": ("Opening a Dask cluster at {centre}.", "正在{centre}开启 Dask 集群。"),
    "cluster.silent": (
        "The notebook that made this cluster does not answer just now. Look there whether its kernel still runs.",
        "创建此集群的笔记本暂时没有响应。请到该笔记本查看内核是否仍在运行。",
    ),
    "cluster.stands": ("A Dask cluster is open at {centre}.", "Dask 集群已在{centre}开启。"),
    "cluster.unknown": (
        "No Dask cluster called “{name}” runs in this session. Make one: sampan.cluster(name=…).",
        "本次会话中没有名为“{name}”的 Dask 集群。可用 sampan.cluster(name=…) 创建。",
    ),
    "cluster.waits": (
        "Further workers wait: {why} Those that run go on, and the cluster asks again by itself.",
        "新的工作进程需要等待：{why}已在运行的不受影响，集群会自动再次申请。",
    ),
    "cluster.workers": (
        "A Dask cluster has {most} workers at most; you asked for {want}. Ask for fewer, with more cores each.",
        "一个 Dask 集群最多有 {most} 个工作进程，您申请了 {want} 个。请减少数量，并增加每个工作进程的核数。",
    ),
    "cluster.works": (
        "{workers} of {wanted} Dask workers at {centre}.",
        "{centre}：Dask 工作进程 {workers}/{wanted}。",
    ),
    # clusters.*: Dask workers at several centres, from one notebook
    "clusters.closed": (
        "These clusters are closed. Open them again: sampan.clusters(…).",
        "这些集群已关闭。请用 sampan.clusters(…) 重新创建。",
    ),
    "clusters.elsewhere": (
        "This kernel is at another centre than its notebook. Choose one of the session itself, and call sampan.clusters there.",
        "此内核运行在笔记本所在中心之外。请改用会话自身的内核，再调用 sampan.clusters。",
    ),
    "clusters.given": (
        "“{field}” says nothing of a cluster at {centre}. Write {centre}=dict(…) with what sampan.cluster takes, or options.",
        "“{field}”不是{centre}集群的参数。请写成 {centre}=dict(…)，可用 sampan.cluster 的参数及 options。",
    ),
    "clusters.large": (
        "More than {most} MiB were to travel between two centres. Reduce the data where they are, and bring home what is left.",
        "两个中心之间一次最多传送 {most} MiB。请在数据所在的中心先归约，再传回结果。",
    ),
    "clusters.none": (
        "No centre was named. Write, say: sampan.clusters(east=dict(workers=2), west=dict(workers=2)).",
        "没有指定超算中心。示例：sampan.clusters(east=dict(workers=2), west=dict(workers=2))。",
    ),
    "clusters.over": (
        "The kernel that held your cluster at {centre} is there no more. {why} Close these clusters, and open them again.",
        "{centre}的集群所在内核已结束。{why}请关闭这些集群后重新创建。",
    ),
    "clusters.process": (
        "Its process has ended; perhaps it had not enough memory.",
        "其进程已终止，可能是内存不足。",
    ),
    "clusters.python": (
        "{centre} runs Python {there}, this notebook {here}: functions cannot go between them. Choose the same software at both.",
        "{centre}的 Python 版本是 {there}，此处是 {here}，函数无法在两者之间传送。请在两处选用相同的软件环境。",
    ),
    "clusters.raised": (
        "Your function failed at {centre}: {error}. What was said there follows.",
        "您的函数在{centre}运行失败：{error}。详情附后。",
    ),
    "clusters.travel": (
        "That cannot travel between two centres: {why}. Send and return plain values, arrays and tables.",
        "该内容无法在两个中心之间传送：{why}。请只传递和返回普通数值、数组和表格。",
    ),
    # command.*, up.*: the command line
    "command.not_installed": (
        "“sampan {command}” needs more than is installed here ({cause}). Install it with: pip install 'sampan[hub]'",
        "“sampan {command}”所需的组件未安装（{cause}）。请安装：pip install 'sampan[hub]'",
    ),
    "up.account": (
        "The account {account}, which demo jobs run as, cannot be made: {why}. Make it, or start as an ordinary user.",
        "无法创建运行演示任务的账号 {account}：{why}。请手动创建，或以普通用户身份启动 Sampan。",
    ),
    "up.config": (
        "There is no {file}. Say where JupyterHub's settings are with --config.",
        "找不到 {file}。请用 --config 指明 JupyterHub 的配置文件。",
    ),
    "up.died": (
        "The {part} ended unexpectedly (code {code}) and is started again.",
        "{part} 意外退出（代码 {code}），正在重新启动。",
    ),
    "up.ended": (
        "Sampan has ended. What runs at the centres goes on; start again to come back to it.",
        "Sampan 已停止。各中心正在运行的任务会继续；重新启动即可找回。",
    ),
    "up.logs": ("  Logs are in {logs}; end with Ctrl-C.", "  日志位于 {logs}；按 Ctrl-C 结束。"),
    "up.long_path": (
        "The path {state} is too long (at most {limit} bytes). Choose a shorter one with --state.",
        "路径 {state} 过长（最多 {limit} 字节）。请用 --state 指定更短的路径。",
    ),
    "up.no_port": (
        "Port {port} cannot be used here. Choose one from 1024 to 65535 with --port.",
        "此处无法使用端口 {port}。请用 --port 指定 1024 到 65535 之间的端口。",
    ),
    "up.not_private": (
        "{path} belongs to another account, or others can read it. Remove it, or use --state for another directory.",
        "{path} 属于其他账号，或可被他人读取。请将其删除，或用 --state 指定另一个目录。",
    ),
    "up.password": (
        "  Log in with any name and the password {password}",
        "  登录：任意用户名，密码 {password}",
    ),
    "up.python": (
        "The account {account}, which demo jobs run as, cannot run {python}. Run “make setup” as root, or be an ordinary user.",
        "运行演示任务的账号 {account} 无法执行 {python}。请以 root 运行“make setup”，或以普通用户身份启动 Sampan。",
    ),
    "up.ready": ("Sampan is ready: {url}", "Sampan 已就绪：{url}"),
    "up.starting": (
        "Starting Sampan; it keeps everything in {state}",
        "正在启动 Sampan；所有数据保存在 {state}",
    ),
    "up.worrying": (
        "The {part} does not stay up. {log} says why; it is tried again meanwhile.",
        "{part} 无法保持运行，原因见 {log}；期间会继续重试。",
    ),
    "up.lock": (
        "Sampan already runs on {state} (process {pid}). Stop that one first, or use --state for another directory.",
        "{state} 上已有 Sampan 在运行（进程 {pid}）。请先停止它，或用 --state 指定另一个目录。",
    ),
    "up.port": (
        "Port {port} is taken by another program. Choose another one: make demo PORT={next}, or sampan up --port {next}.",
        "端口 {port} 已被其他程序占用。请换一个端口：make demo PORT={next}，或 sampan up --port {next}。",
    ),
    "up.program": (
        "{program} is missing, which {part} needs. Run “make setup”.",
        "缺少 {part} 所需的 {program}。请运行“make setup”。",
    ),
    "up.state": (
        "The directory {state} cannot be used: {why}. Choose another one with --state.",
        "无法使用目录 {state}：{why}。请用 --state 指定另一个目录。",
    ),
    # signer.*, ca.*: who signs for whom
    "ca.flag": ("{flag} belongs to “sampan ca {action}”.", "{flag} 只用于“sampan ca {action}”。"),
    "ca.folder": (
        "The signing keys in {folder} cannot be read. Put them back from a backup, or move the folder away to begin anew.",
        "无法读取 {folder} 中的签名密钥。请从备份恢复，或移走该目录后重新开始。",
    ),
    "ca.key_revoked": ("key {number} of {at}, {key}: taken back", "密钥 {number}（{at}），{key}：已撤销"),
    "ca.key_signs": ("key {number} of {at}, {key}: signs", "密钥 {number}（{at}），{key}：用于签名"),
    "ca.key_trusted": (
        "key {number} of {at}, {key}: signs no more; “revoke --all” takes it back",
        "密钥 {number}（{at}），{key}：不再签名；“revoke --all”可撤销",
    ),
    "ca.key_waits": (
        "key {number} of {at}, {key}: waits for “rotate --activate”",
        "密钥 {number}（{at}），{key}：等待“rotate --activate”启用",
    ),
    "ca.keygen": (
        "The list of what was taken back could not be written: ssh-keygen failed. Install openssh-client, then try again.",
        "无法写出撤销列表：ssh-keygen 执行失败。请安装 openssh-client 后重试。",
    ),
    "backup.done": (
        "{file} holds hub {hub}: {count} files, whole as of now. It contains secrets: keep it where nobody else can read it.",
        "{file} 已保存平台 {hub} 的备份：共 {count} 个文件。其中含有密钥，请妥善保管，勿让他人读取。",
    ),
    "backup.no_ca": (
        "The keys that let the hub in at centres are not in it. Add them with --with-ca, or keep the folder ca by other means.",
        "其中不含各中心的签名密钥。请加 --with-ca 一并备份，或另行保存 ca 目录。",
    ),
    "backup.no_hub": (
        "JupyterHub's own database is not in it: it lies elsewhere. Back that up with what it is made of.",
        "其中不含 JupyterHub 自己的数据库（它在别处），请用相应的工具另行备份。",
    ),
    "backup.no_state": (
        "{state} is no state directory of a hub. Name it with --state.",
        "{state} 不是平台的状态目录。请用 --state 指定。",
    ),
    "backup.exists": (
        "{file} is there already. Choose another name, or remove it first.",
        "{file} 已存在。请换一个文件名，或先将其删除。",
    ),
    "backup.not_one": (
        "{file} is not a backup that “sampan backup” has made.",
        "{file} 不是由“sampan backup”生成的备份。",
    ),
    "backup.damaged": (
        "{file} is damaged: it is not what was written. Nothing was changed. Use another backup.",
        "{file} 已损坏，与写入时不符。未作任何更改，请使用其他备份。",
    ),
    "backup.newer": (
        "The backup is of {what} {version}, which is newer than what is installed here. Install that version first.",
        "该备份来自 {what} {version}，比此处安装的版本新。请先安装该版本。",
    ),
    "backup.disk": ("{file}: {why}. Nothing was changed.", "{file}：{why}。未作任何更改。"),
    "backup.program": (
        "“{program}” is not installed. It comes with PostgreSQL's client programs.",
        "未安装“{program}”。它随 PostgreSQL 客户端程序提供。",
    ),
    "backup.failed": ("{program} has failed: {why}", "{program} 失败：{why}"),
    "restore.done": (
        "Hub {hub} is as it was at {at}. Start it: jobs that run at the centres are found again by themselves.",
        "平台 {hub} 已恢复到 {at} 的状态。启动后，各中心仍在运行的任务会自动重新找到。",
    ),
    "restore.aside": (
        "What was there before is in {folder}. Remove it when all is well.",
        "原有内容已移至 {folder}。确认一切正常后可将其删除。",
    ),
    "restore.running": (
        "This hub runs: {part} (process {pid}). Stop it first, all of it.",
        "平台仍在运行：{part}（进程 {pid}）。请先将其全部停止。",
    ),
    "restore.other_hub": (
        "{state} belongs to hub {here}, and the backup to hub {hub}. Restore it into a directory of its own.",
        "{state} 属于平台 {here}，而该备份属于平台 {hub}。请恢复到单独的目录。",
    ),
    "restore.database": (
        "The broker of this backup kept its data in {kind}. Say with --database where that is, or leave it out for SQLite.",
        "该备份中调度代理的数据在 {kind} 中。请用 --database 指定其地址；若为 SQLite 则不必指定。",
    ),
    "ca.no_hub": (
        "Nothing in {state} says what this hub is called. Name it with --hub-id, or run “sampan up” once before.",
        "{state} 中没有本平台的标识。请用 --hub-id 指定，或先运行一次“sampan up”。",
    ),
    "ca.no_state": (
        "{state} is not the state directory of a signer. Say which it is with --state.",
        "{state} 不是签名服务的状态目录。请用 --state 指定。",
    ),
    "ca.principals": (
        "one file in {folder}/principals for each of the {count} accounts, as above with its own name",
        "在 {folder}/principals 中为 {count} 个账号各建一个文件，内容同上并换成各自的账号名",
    ),
    "ca.revoked": (
        "Taken back. Copy {file} to the centre as {there}; until then certificates that were signed already are good for minutes.",
        "已撤销。请将 {file} 复制到该中心的 {there}；在此之前，已签发的证书仍在几分钟内有效。",
    ),
    "ca.rotated": (
        "A new key was made. Put {file} as above to {centre}, then run this again with --activate.",
        "已生成新密钥。请将上面的 {file} 放到 {centre}，然后加上 --activate 再次运行。",
    ),
    "ca.signs": (
        "{key} signs for {centre} from now on. Once all is well, “sampan ca revoke {centre} --all” takes the older ones back.",
        "从现在起由 {key} 为 {centre} 签名。确认无误后，可用“sampan ca revoke {centre} --all”撤销旧密钥。",
    ),
    "ca.taken_back": ("taken back: {names}", "已撤销：{names}"),
    "ca.what": (
        "Say what to take back at {centre}: --account, --serial or --all.",
        "请指明要在 {centre} 撤销什么：--account、--serial 或 --all。",
    ),
    "ca.write": (
        "The signer cannot write to {folder}. Is the disk full?",
        "签名服务无法写入 {folder}。磁盘是否已满？",
    ),
    "ca.waiting": (
        "The key {key} waits already. Have the centre trust it, then run this with --activate.",
        "密钥 {key} 已在等待启用。请让中心先信任它，再加上 --activate 运行。",
    ),
    "ca.nothing_waits": (
        "No newer key waits. Make one first: run this without --activate.",
        "没有等待启用的新密钥。请先不带 --activate 运行以生成一个。",
    ),
    "ca.not_revoked": (
        "{account} was not revoked. “sampan ca show” lists who was.",
        "{account} 未被撤销。“sampan ca show”会列出已撤销的账号。",
    ),
    "signer.account": (
        "The description of {centre} does not list the account {account}, so the hub may not act as it. Ask its operators.",
        "{centre} 的描述文件未列出账号 {account}，平台不能以其身份操作。请联系该中心的运维人员。",
    ),
    "signer.away": (
        "The signer, which lets us in at the centre, does not answer just now. Running sessions are not affected; we try again.",
        "用于登录中心的签名服务暂时没有响应。正在运行的会话不受影响，会再次尝试。",
    ),
    "signer.busy": (
        "The signer was asked too often. Wait a minute and try again.",
        "对签名服务的请求过于频繁。请稍候一分钟再试。",
    ),
    "signer.centre": (
        "The signer knows no centre called {centre}. Its description must be readable for the signer.",
        "签名服务不知道名为 {centre} 的中心。请确认其描述文件可被签名服务读取。",
    ),
    "signer.failed": (
        "The signer made a mistake; its log says which. It is asked again.",
        "签名服务内部出错，详情见其日志。会再次请求。",
    ),
    "signer.log": (
        "The signer cannot write its log, and signs nothing that is not logged. Is the disk full?",
        "签名服务无法写日志，未记录的内容不予签名。磁盘是否已满？",
    ),
    "signer.request": (
        "The signer was asked something that it does not understand ({field}). Are hub and signer of one version?",
        "签名服务无法理解该请求（{field}）。平台与签名服务的版本是否一致？",
    ),
    "signer.revoked": (
        "The hub no longer acts as {account} at {centre}: that was revoked. Ask the hub's administrators.",
        "平台已不再以 {account} 的身份在 {centre} 操作：该授权已被撤销。请联系平台管理员。",
    ),
    # environment.*: the software environment that a hub makes at a centre, and looks at before a start
    "environment.absent": (
        "{centre} has no software environment of this hub's yet. {next}",
        "{centre}还没有本平台的软件环境。{next}",
    ),
    "environment.broken": (
        "In the environment at {centre}, {module} cannot be imported: {why}. {next}",
        "{centre}的软件环境无法导入 {module}：{why}。{next}",
    ),
    "environment.building": (
        "The environment at {centre} is being made already (process {pid}). Wait for it, or stop that one first.",
        "{centre}的软件环境正在构建（进程 {pid}）。请等待其完成，或先停止该进程。",
    ),
    "environment.built": (
        "The environment {lock} at {centre} is in use, at {path}.",
        "{centre}的软件环境 {lock} 已启用，位于 {path}。",
    ),
    "environment.carrying": (
        "Carrying packages to {centre}: {sent} of {size} MiB; {there} MiB were there.",
        "正在向{centre}传送软件包：{sent}/{size} MiB；已有 {there} MiB。",
    ),
    "environment.current": (
        "The environment {lock} at {centre} is whole and in use; nothing to do.",
        "{centre}的软件环境 {lock} 完好且已启用，无需操作。",
    ),
    "environment.damaged": (
        "What arrived at {centre} is not what was sent. Try again; if it stays so, ask its operators about the disk.",
        "到达{centre}的文件与发送的不一致。请重试；若仍如此，请联系其运维人员检查磁盘。",
    ),
    "environment.failed": ("It did not work there: {why}", "在该中心执行失败：{why}"),
    "environment.fetching": (
        "Fetching the packages of the lock for machines like those of {centre}, once.",
        "正在下载锁定的软件包，适用于{centre}同类机器，仅需一次。",
    ),
    "environment.installing": (
        "Installing at {centre}, in a new folder; this takes a few minutes.",
        "正在{centre}的新目录中安装，需要几分钟。",
    ),
    "environment.jupyterhub": (
        "{centre} has JupyterHub {there} and the hub {here}: their servers do not understand each other. {next}",
        "{centre}的 JupyterHub 为 {there}，平台为 {here}，两者不兼容。{next}",
    ),
    "environment.lock": (
        "The environment at {centre} is {there}, not this hub's {here}. {next}",
        "{centre}的软件环境为 {there}，而非本平台的 {here}。{next}",
    ),
    "environment.looking": ("Looking at what {centre} has.", "正在查看{centre}现有的环境。"),
    "environment.no_answer": (
        "What environment there is cannot be told: it gave no answer that can be read. Try again, or see the log.",
        "无法得知软件环境的情况：未得到可识别的答复。请重试或查看日志。",
    ),
    "environment.no_state": (
        "There are no centres in {state}. Say where the hub's state directory is with --state.",
        "{state} 中没有中心的描述文件。请用 --state 指明平台的状态目录。",
    ),
    "environment.no_wheel": (
        "These packages of the lock have no wheel for that centre's machines: {missing}. Name another Python with `base`.",
        "锁定的软件包中没有适用于该中心机器的 wheel：{missing}。请用 `base` 指定其他 Python。",
    ),
    "environment.no_wheels": (
        "The packages of the lock could not be fetched: {why} See to pip's settings here, then try again.",
        "无法下载锁定的软件包：{why} 请检查本机 pip 的配置后重试。",
    ),
    "environment.old_python": (
        "The Python there is {there}; {needed} or newer is needed. Name one with `environment.base` in the descriptor.",
        "该处的 Python 为 {there}，需要 {needed} 或更新版本。请在描述文件中用 `environment.base` 指定。",
    ),
    "environment.packages": (
        "At {centre} {count} packages differ from the lock: {named}. {next}",
        "{centre}有 {count} 个软件包与锁定的不同：{named}。{next}",
    ),
    "environment.platform": (
        "There are no wheels for that centre's machines ({platform}): Linux with glibc on x86-64 or aarch64 is needed.",
        "没有适用于该中心机器的 wheel（{platform}）：需要 x86-64 或 aarch64 上使用 glibc 的 Linux。",
    ),
    "environment.protocol": (
        "Sampan at {centre} speaks another protocol ({there}) than this hub ({here}). {next}",
        "{centre}的 Sampan 所用协议（{there}）与本平台（{here}）不同。{next}",
    ),
    "environment.python": (
        "The environment at {centre} was made with Python {here}, and now finds {there}. {next}",
        "{centre}的软件环境由 Python {here} 构建，现在却是 {there}。{next}",
    ),
    "environment.sampan": (
        "{centre} has sampan {there}, not quite what this hub has ({here}). {next}",
        "{centre}的 sampan（{there}）与本平台（{here}）不完全相同。{next}",
    ),
    "environment.sound": (
        "The environment at {centre} is as it should be: {prefix}, sampan {sampan}, JupyterHub {jupyterhub}, Python {python}.",
        "{centre}的软件环境正常：{prefix}，sampan {sampan}，JupyterHub {jupyterhub}，Python {python}。",
    ),
    "environment.step_build": (
        "The hub's administrators make it with: sampan env build {id}",
        "请平台管理员运行：sampan env build {id}",
    ),
    "environment.step_theirs": (
        "The operators of {id} must install sampan[user] from this hub's lock.",
        "请 {id} 的运维人员按本平台的锁定文件安装 sampan[user]。",
    ),
    "environment.theirs": (
        "The operators of {centre} make their environment themselves. Give `environment.prefix` in its file to have it made.",
        "{centre}的软件环境由其运维人员自行维护。如需由平台构建，请在描述文件中填写 `environment.prefix`。",
    ),
    "environment.trying": (
        "Trying at {centre} whether everything can be imported.",
        "正在{centre}检查各软件包能否导入。",
    ),
    "environment.unfit": (
        "No session can start in the software environment there: {why}",
        "无法在该处的软件环境中启动会话：{why}",
    ),
    "environment.wrong": (
        "What was installed is not as it should be, and is not used: {reasons}",
        "安装结果不符合要求，未启用：{reasons}",
    ),
    # here.*: where a notebook runs
    "here.elsewhere": (
        "The environment is that of a job on {expected}, but this is {node}. Ask in the notebook itself.",
        "环境变量描述的是 {expected} 上的任务，而此处是 {node}，其中的核数与时间不适用。请在笔记本中查询。",
    ),
    "here.field": (
        "The environment of this job is damaged: {field} is missing or unreadable. Please stop this session and start it again.",
        "此任务的环境不完整：{field} 缺失或无法识别。请停止本次会话后重新启动。",
    ),
    "here.is": (
        "{centre}, share {share}, on {node}: cores {cores}, memory {memory} GiB, time left {left}.",
        "{centre}，队列 {share}，节点 {node}：{cores} 核，内存 {memory} GiB，剩余 {left}。",
    ),
    "here.is_unlimited": (
        "{centre}, share {share}, on {node}: cores {cores}, memory {memory} GiB, no time limit.",
        "{centre}，队列 {share}，节点 {node}：{cores} 核，内存 {memory} GiB，不限时间。",
    ),
    "here.outside": (
        "This is not a Sampan session, so there is no centre to tell of. Start a notebook from the hub and run it there.",
        "这里不是 Sampan 会话，没有所在中心的信息。请从平台启动笔记本后再运行。",
    ),
}
