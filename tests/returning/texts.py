"""Texts and displays of students: those that want to act in a reader's browser, and those that only want to be read.

A hostile one that succeeds calls `pwned`, opens a dialog, leaves the page, or asks for something at ELSEWHERE.
"""

import json
from pathlib import Path

ELSEWHERE = "http://elsewhere.invalid"
JS = "window.pwned=1;alert(1)"
XMLNS = 'xmlns="http://www.w3.org/2000/svg"'
CASES = Path(__file__).parents[1] / "cases"
WRITTEN = [
    (case["sent"], case["a_reader_must_see"])
    for case in json.loads((CASES / "written_answers.json").read_text("utf-8"))
] + [
    ("if a<b and c>d then", "if a<b and c>d then"),
    ("for i<p> tokens, s<i>t", "for i<p> tokens, s<i>t"),
    ("<!-- a note\n\nand the rest of it", "<!-- a note"),
    ("<div>\nan open box and a < b", "an open box and a < b"),
    ("x <b>bold</b> and <sub>i</sub>", "x bold and i"),
    (
        "![the row of head 2](https://example.org/row.png)",
        "the row of head 2 (a picture at https://example.org/row.png)",
    ),
    ("![the map](map.png)", "the map"),
    ("![lost](attachment:gone.png)", "lost"),
    ("```mermaid\ngraph LR; A-->B<C\n```", "A-->B<C"),
    ("$\\left( x$ is \\begin{align} y &= 1 \\end{align}", "\\left( x is y=1"),
]
HTML = [  # as displayed HTML, and as HTML in a text
    f"<script>{JS}</script>",
    f"<img src=x onerror='{JS}'>",
    f"<img src={ELSEWHERE}/a.png srcset='{ELSEWHERE}/b.png 2x'>",
    f"<a href='javascript:{JS}' ping={ELSEWHERE}>look</a>",
    f"<a href='data:text/html,<script>{JS}</script>'>look</a>",
    f"<svg {XMLNS} onload='{JS}'><image href='{ELSEWHERE}/c.png'/><script>{JS}</script></svg>",
    f"<svg><use href='{ELSEWHERE}/d.svg#a'/><animate attributeName=x begin=0s onbegin='{JS}'/></svg>",
    f"<svg><foreignObject><body onload='{JS}'><iframe src='{ELSEWHERE}/e'></iframe></body></foreignObject></svg>",
    f"<math><annotation-xml encoding='text/html'><img src=x onerror='{JS}'></annotation-xml></math>",
    f"<math href='javascript:{JS}'><maction actiontype='statusline#{ELSEWHERE}'><mi>x</mi></maction></math>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}/f'><base href={ELSEWHERE}/>",
    f"<style>@import '{ELSEWHERE}/g.css'; body {{ display: none; background: url({ELSEWHERE}/h.png) }}</style>",
    f"<link rel=stylesheet href={ELSEWHERE}/i.css><link rel=prefetch href={ELSEWHERE}/j>",
    f"<div style='position:fixed;inset:0;background:url({ELSEWHERE}/k.png);z-index:9999'>over all</div>",
    f"<div style='cursor:url({ELSEWHERE}/l.png);list-style:url({ELSEWHERE}/m);color:red'>styled</div>",
    f"<details open ontoggle='{JS}'><summary>more</summary></details>",
    f"<form action={ELSEWHERE}/n><input autofocus onfocus='{JS}'><button formaction='javascript:{JS}'>ok</button></form>",
    f"<iframe srcdoc='<script>parent.{JS}</script>'></iframe><object data={ELSEWHERE}/o></object><embed src={ELSEWHERE}/p>",
    f"<video poster={ELSEWHERE}/q autoplay><source src={ELSEWHERE}/r onerror='{JS}'></video><audio src={ELSEWHERE}/s>",
    f"<noscript><p title='</noscript><img src=x onerror={JS}>'>",
    f"<p title='<pre>'><!--><img src=x onerror='{JS}'>--></p><table background={ELSEWHERE}/t><tr><td>x</table>",
    f"<a id=formgrader name=submission_id href={ELSEWHERE}/not-clicked>clobbered</a>",
    "<div class='navbar navbar-fixed-top modal-backdrop in'>a bar of formgrader's</div>",
    "<div style='margin:-3000px;height:9000px;width:9000px;background-color:green'>✓ correct: painted over</div>",
]
MARKDOWN = [  # as a text, and as displayed Markdown
    f"[look](javascript:{JS})",
    f"[look](data:text/html,<script>{JS}</script>) and <javascript:{JS}>",
    f"![a picture]({ELSEWHERE}/u.png) ![x](data:text/html;base64,PHNjcmlwdD4=)",
    f"[ref]\n\n[ref]: javascript:{JS}",
    f"$\\href{{javascript:{JS}}}{{y}}$ and $\\style{{background:url({ELSEWHERE}/v.png)}}{{z}}$",
    f"$\\unicode{{x3c}}\\class{{navbar}}{{a}}\\cssId{{formgrader}}{{b}}\\require{{html}}\\includegraphics{{{ELSEWHERE}/w}}$",
    f"$\\text{{<img src=x onerror='{JS}'>}}$ and $$\\color{{red;background:url({ELSEWHERE}/y)}}{{x}}$$",
    f"\\begin{{equation}}<script>{JS}</script>\\end{{equation}}",
    f"```mermaid\n<img src=x onerror='{JS}'>\n```",
    f"```<script>{JS}</script>\n</code></pre><script>{JS}</script>\n```",
    f"# <img src=x onerror='{JS}'>\n\n| <script>{JS}</script> |\n|---|\n| <b onclick='{JS}'>x</b> |",
]
FAKE = (
    "<section style='border:4px solid black;padding:8px'><strong>Result of the check</strong> · 2 of 2 points"
    "<div style='border-left:6px solid #007A5A;padding:4px 12px'><strong>✓ correct: painted</strong></div></section>"
)
DISPLAYS = f"""\
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, Math, display
for text in {[*HTML, FAKE]!r}:
    display(HTML(text))
for text in {MARKDOWN!r}:
    display(Markdown(text))
    display(Latex(text))
display(Javascript({JS!r}))
display({{"image/svg+xml": {HTML[5]!r}, "text/plain": "a drawing"}}, raw=True)
display({{"text/vnd.mermaid": {HTML[1]!r}, "application/vnd.jupyter.widget-view+json": {{}}, "text/plain": "a widget"}}, raw=True)
display(Math(r"\\frac{{a}}{{b}} < c"), Markdown("shown **as markdown**, i<n and k>m"))
print({HTML[0]!r})
"""
