/** Problems of the server by their code, in Brazilian Portuguese. */
import type { problems as en } from "./en_problems";

export const problems: Record<keyof typeof en, string> = {
  "problem.forbidden": "O seu login não permite isto. Peça a um administrador um token com mais direitos.",
  "problem.gsd_missing":
    "O GSD não está instalado e o servidor não tem um comando para um novo marco. Instale o GSD ou defina [commands] no wxcode.toml.",
  "problem.name_taken": "Este nome já está em uso. Escolha outro.",
  "problem.no_base":
    "Não há com o que comparar: o marco começou antes de as alterações passarem a ser registradas.",
  "problem.no_driver": "Esta janela da sessão não aceita digitação ou já foi fechada. Escolha outra.",
  "problem.node_changed": "Enquanto isso, outro servidor do grupo assumiu o projeto. Tente novamente.",
  "problem.node_draining":
    "Este servidor está sendo esvaziado e não aceita novas sessões. Use outro servidor do grupo ou encerre o esvaziamento com `wxcode drain --off`.",
  "problem.node_full":
    "Este servidor já tem o máximo de sessões permitido. Encerre uma ou use outro servidor do grupo.",
  "problem.node_unreachable":
    "O servidor do grupo que tem este projeto não responde. Tente novamente em instantes.",
  "problem.no_repository":
    "A pasta de trabalho não está em um repositório git, então não é possível mostrar as alterações.",
  "problem.not_begun": "O marco ainda não foi iniciado, então não alterou nada.",
  "problem.not_found": "Isto não existe (mais). Talvez tenha sido excluído.",
  "problem.not_pending": "Este marco já foi para o agente: só dá para editar um marco pendente.",
  "problem.not_queued": "Este comando não está mais na fila. Coloque outro na fila.",
  "problem.record_unreadable": "Não foi possível ler um registro guardado. Veja o log do servidor.",
  "problem.searches_busy": "Há buscas demais ao mesmo tempo. Tente novamente em instantes.",
  "problem.too_many_changes": "Há alterações demais para mostrar.",
  "problem.too_many_logins": "Muitas tentativas de login falharam. Tente novamente em um minuto.",
  "problem.transcript_missing": "A transcrição desta conversa não existe mais.",
  "problem.transcripts_unavailable":
    "Não é possível ler a pasta de transcrições do Claude Code. Nenhuma conversa é abandonada; tente novamente quando ela voltar.",
  "problem.uploads_full":
    "O espaço para envios deste projeto está cheio. Apague alguns arquivos da pasta .wxcode/uploads.",
  "problem.workspace_missing":
    "A pasta de trabalho do projeto não existe. Mova-a de volta ou escolha outra pasta.",
  "problem.workspace_refused":
    "Esta pasta não pode ser uma pasta de trabalho. Escolha uma fora da pasta de dados e dentro das raízes permitidas.",
  "problem.workspace_taken": "O projeto “{name}” já trabalha nesta pasta. Escolha outra.",
  "problem.file_hangs": "O sistema de arquivos desta pasta não responde. Tente novamente mais tarde.",
};
